package main

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/procfs"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
)

// Usage is what a leg took of the machine.
type Usage struct {
	// Process and Postgres are processor seconds: of this process (Temporal, S3, Fairlead or
	// the floor, and the clients) and of Postgres, 0 where the system doesn't tell.
	Process, Postgres float64
	// Commits are Postgres's transactions that wrote.
	Commits float64
}

func (u Usage) sub(before Usage) Usage {
	return Usage{u.Process - before.Process, u.Postgres - before.Postgres, u.Commits - before.Commits}
}

// gauge reads what was used so far.
type gauge struct {
	db *pgxpool.Pool
}

func (g gauge) read(ctx context.Context) (Usage, error) {
	process, err := processTime()
	if err != nil {
		return Usage{}, err
	}
	used := Usage{Process: process, Postgres: childrenTime()}
	// Every transaction that writes takes one number; those of statistics and reads take none.
	err = g.db.QueryRow(ctx, "select pg_snapshot_xmax(pg_current_snapshot())::text::float8").Scan(&used.Commits)
	return used, err
}

// processTime is the processor seconds of this process so far.
func processTime() (float64, error) {
	var self syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &self); err != nil {
		return 0, fmt.Errorf("processor time: %w", err)
	}
	return seconds(self.Utime) + seconds(self.Stime), nil
}

func seconds(t syscall.Timeval) float64 { return time.Duration(t.Nano()).Seconds() }

// childrenTime is the processor time of this process's descendants: Postgres and its backends, ended ones included.
func childrenTime() float64 {
	all, err := procfs.AllProcs()
	if err != nil {
		return 0
	}
	ticks, parents := map[int]float64{}, map[int]int{}
	for _, process := range all {
		stat, err := process.Stat()
		if err != nil {
			continue
		}
		parents[stat.PID] = stat.PPID
		const ticksPerSecond = 100 // on every architecture that Go runs on
		ticks[stat.PID] = stat.CPUTime() + float64(stat.CUTime+stat.CSTime)/ticksPerSecond
	}
	var total float64
	for pid := range parents {
		if descends(parents, pid, syscall.Getpid()) {
			total += ticks[pid]
		}
	}
	return total
}

func descends(parents map[int]int, pid, ancestor int) bool {
	for pid = parents[pid]; pid > 1; pid = parents[pid] {
		if pid == ancestor {
			return true
		}
	}
	return false
}

// Events is what Temporal keeps of one run.
type Events struct {
	Transitions, Events, Bytes int64
}

// events reads what Temporal keeps of a workflow.
func events(ctx context.Context, temporal client.Client, namespace, id string) (Events, error) {
	answer, err := temporal.WorkflowService().DescribeWorkflowExecution(ctx, &workflowservice.DescribeWorkflowExecutionRequest{
		Namespace: namespace, Execution: &commonpb.WorkflowExecution{WorkflowId: id},
	})
	if err != nil {
		return Events{}, err
	}
	info := answer.GetWorkflowExecutionInfo()
	return Events{info.GetStateTransitionCount(), info.GetHistoryLength(), info.GetHistorySizeBytes()}, nil
}
