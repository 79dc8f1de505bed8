// Package upkeep sweeps up what no run can see to itself: acknowledged runs
// without a workflow, open rows whose workflow is gone, and spooled logs.
package upkeep

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"go.temporal.io/api/workflowservice/v1"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/store"
)

const (
	// page is how many rows, and spooled logs, a sweep takes at a time.
	page = 200
	// reserve is left of a sweep's time for its answer.
	reserve = 5 * time.Second
)

// Runs are the rows of runs.
type Runs interface {
	// Unstarted lists the IDs of runs older than age whose workflow was never
	// started, in order, beginning behind after.
	Unstarted(ctx context.Context, age time.Duration, after string, limit int) ([]string, error)
	// OpenRuns lists started runs that have not ended, by ID, beginning behind after.
	OpenRuns(ctx context.Context, after string, limit int) ([]store.Run, error)
	Run(ctx context.Context, id string) (store.Run, error)
	Steps(ctx context.Context, run string) ([]store.Step, error)
	Job(ctx context.Context, team, name string, version int) (store.Job, error)
}

// Starter starts a run's workflow; a run that has one is no error.
type Starter func(ctx context.Context, run store.Run) error

// Workflows says what became of a workflow; [go.temporal.io/sdk/client.Client] is one.
type Workflows interface {
	// DescribeWorkflowExecution describes the latest execution where runID is "".
	DescribeWorkflowExecution(ctx context.Context, workflowID, runID string) (*workflowservice.DescribeWorkflowExecutionResponse, error)
}

// Logs moves spooled logs to S3.
type Logs interface {
	// Drain moves up to limit logs, each call others than those that S3 just
	// refused, and returns how many it moved; the error says that some were refused.
	Drain(ctx context.Context, limit int) (int, error)
}

// Parts are what the sweeps need.
type Parts struct {
	Runs      Runs
	Start     Starter
	Workflows Workflows
	// WorkflowID is the ID of a run's workflow.
	WorkflowID func(team, run string) string
	Logs       Logs
	Log        *slog.Logger
	// Now tells the time; nil means [time.Now].
	Now func() time.Time
}

// Sweeper has the activities [activities.StartQueued], [activities.FindLost] and [activities.DrainLogs].
type Sweeper struct {
	Parts

	finding sync.Mutex
	// found is the run behind which the next search for lost ones begins.
	found string

	starting sync.Mutex
	// tried is the run behind which the next start of queued ones begins.
	tried string
}

// New returns a sweeper.
func New(parts Parts) *Sweeper {
	if parts.Now == nil {
		parts.Now = time.Now
	}
	return &Sweeper{Parts: parts}
}

// DrainLogs moves spooled logs to S3. When S3 takes only some, it says how
// many; it goes on until S3 takes none.
func (s *Sweeper) DrainLogs(ctx context.Context) (activities.Swept, error) {
	total := 0
	for {
		moved, err := s.Logs.Drain(ctx, page)
		total += moved
		if err != nil && total == 0 {
			return activities.Swept{}, err
		}
		if moved == 0 || err == nil && moved < page || s.late(ctx) {
			return activities.Swept{Count: total}, nil
		}
	}
}

// late reports whether a sweep's time is nearly over.
func (s *Sweeper) late(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() != nil || ok && time.Until(deadline) < reserve
}

// together calls do with every item and its index, several at a time, until
// stop says so; it returns how many it was called with: the first ones.
func together[T any](items []T, width int, stop func() bool, do func(i int, item T)) (begun int) {
	var wg sync.WaitGroup
	defer wg.Wait()
	free := make(chan struct{}, width)
	for i, item := range items {
		free <- struct{}{}
		if stop() {
			return i
		}
		wg.Go(func() {
			defer func() { <-free }()
			do(i, item)
		})
	}
	return len(items)
}

func attrs(run store.Run, err error) []any {
	return []any{
		slog.String("team", run.Team), slog.String("job", run.Job), slog.String("run", run.ID), slog.Any("error", err),
	}
}

// gone reports whether err says that the row is not there any more.
func gone(err error) bool {
	var ours *job.Error
	return errors.As(err, &ours) && ours.Code == job.CodeNotFound
}
