package upkeep_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/activities/upkeep"
	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	now    = time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC)
	closed = now.Add(-10 * time.Second)
)

// parts are rows, workflows and a spool in memory.
type parts struct {
	mu        sync.Mutex
	unstarted []store.Run
	open      []store.Run
	// fresh are rows as they are after a workflow was looked for.
	fresh     map[string]store.Run
	canonical string // of every job; "" is one of three steps
	steps     []store.Step
	startErr  map[string]error
	started   []string
	workflows map[string]enumspb.WorkflowExecutionStatus
	// descErr is by workflow ID, "" for all.
	descErr map[string]error
	drains  []drained
}

// drained is what one call of Drain returns; behind the last, S3 is away.
type drained struct {
	moved int
	err   error
}

var (
	errHangs  = errors.New("hangs until its time is over")
	errS3Away = errors.New("S3 is away")
)

func (p *parts) Unstarted(_ context.Context, _ time.Duration, after string, limit int) ([]string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var ids []string
	for _, run := range p.unstarted {
		if run.ID > after && len(ids) < limit {
			ids = append(ids, run.ID)
		}
	}
	return ids, nil
}

func (p *parts) OpenRuns(_ context.Context, after string, limit int) ([]store.Run, error) {
	var runs []store.Run
	for _, run := range p.open {
		if run.ID > after && len(runs) < limit {
			runs = append(runs, run)
		}
	}
	return runs, nil
}

func (p *parts) Run(_ context.Context, id string) (store.Run, error) {
	if run, ok := p.fresh[id]; ok {
		return run, nil
	}
	for _, run := range slices.Concat(p.unstarted, p.open) {
		if run.ID == id {
			return run, nil
		}
	}
	return store.Run{}, job.Errorf(job.CodeNotFound, "no run")
}

func (p *parts) Steps(context.Context, string) ([]store.Step, error) { return p.steps, nil }

func (p *parts) Job(context.Context, string, string, int) (store.Job, error) {
	if p.canonical != "" {
		return store.Job{Canonical: json.RawMessage(p.canonical)}, nil
	}
	return store.Job{Canonical: json.RawMessage(`{"steps":[{"id":"one"},{"id":"two"},{"id":"unseen"}],"notify":[{"events":["failed"],"to":["email:a@x.y"],"severity":"high"}]}`)}, nil
}

func (p *parts) start(ctx context.Context, run store.Run) error {
	p.mu.Lock()
	p.started = append(p.started, run.ID)
	err := p.startErr[run.ID]
	p.mu.Unlock()
	if errors.Is(err, errHangs) {
		<-ctx.Done()
		return ctx.Err()
	}
	return err
}

// times is how often each run's start was tried.
func (p *parts) times() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	times := map[string]int{}
	for _, id := range p.started {
		times[id]++
	}
	return times
}

func (p *parts) DescribeWorkflowExecution(_ context.Context, id, run string) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := errors.Join(p.descErr[id], p.descErr[""]); err != nil || run != "" {
		return nil, err
	}
	status, ok := p.workflows[id]
	if !ok {
		return nil, serviceerror.NewNotFound("no such workflow")
	}
	info := &workflowpb.WorkflowExecutionInfo{Status: status}
	if status != enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
		info.CloseTime = timestamppb.New(closed)
	}
	return &workflowservice.DescribeWorkflowExecutionResponse{WorkflowExecutionInfo: info}, nil
}

func (p *parts) Drain(context.Context, int) (int, error) {
	if len(p.drains) == 0 {
		return 0, errS3Away
	}
	next := p.drains[0]
	p.drains = p.drains[1:]
	return next.moved, next.err
}

func setup() (*parts, *upkeep.Sweeper) {
	p := &parts{fresh: map[string]store.Run{}, startErr: map[string]error{}, workflows: map[string]enumspb.WorkflowExecutionStatus{}, descErr: map[string]error{}}
	return p, upkeep.New(upkeep.Parts{
		Runs: p, Start: p.start, Workflows: p, Logs: p, Log: slog.New(slog.DiscardHandler),
		WorkflowID: func(team, run string) string { return "run/" + team + "/" + run },
		Now:        func() time.Time { return now },
	})
}

func run(id string, status job.Status, age time.Duration) store.Run {
	return store.Run{
		ID: id, Team: "default", Job: "j", Version: 2, Status: status, Rev: 4,
		CreatedAt: now.Add(-age), WorkflowStartedAt: now.Add(-age), StartedAt: now.Add(-age),
	}
}

func TestFindLost(t *testing.T) {
	t.Parallel()
	p, sweeper := setup()
	p.steps = []store.Step{
		{ID: "one", Position: 0, Status: job.StatusSucceeded},
		{ID: "two", Position: 1, Status: job.StatusRunning, Attempts: 3, StartedAt: now.Add(-time.Minute), LogKey: "k", LogRecords: 2, LogSHA256: "s"},
	}
	for id, status := range map[string]enumspb.WorkflowExecutionStatus{
		"a_terminated": enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED,
		"b_timed_out":  enumspb.WORKFLOW_EXECUTION_STATUS_TIMED_OUT,
		"c_failed":     enumspb.WORKFLOW_EXECUTION_STATUS_FAILED,
		"d_running":    enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING,
		"e_continued":  enumspb.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW,
		"f_just_ended": enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED,
	} {
		p.workflows["run/default/"+id] = status
	}
	for _, id := range []string{"a_terminated", "b_timed_out", "c_failed", "d_running", "e_continued", "f_just_ended", "g_missing"} {
		p.open = append(p.open, run(id, job.StatusRunning, 2*time.Minute))
	}
	p.open = append(p.open, run("h_young", job.StatusRunning, 30*time.Second))
	p.fresh["f_just_ended"] = run("f_just_ended", job.StatusSucceeded, 2*time.Minute)

	lost, err := sweeper.FindLost(t.Context())
	require.NoError(t, err)
	var got []string
	for _, l := range lost.Runs {
		got = append(got, l.Record.Run.ID+": "+l.Record.Error.Message)
		require.Equal(t, job.StatusFailed, l.Record.Status)
		require.Equal(t, "terminated_outside", l.Record.Error.Code)
		require.EqualValues(t, 5, l.Record.Rev)
		require.Equal(t, []job.NotifyRule{{Events: []string{"failed"}, To: []string{"email:a@x.y"}, Severity: "high"}}, l.Rules)
	}
	require.Equal(t, []string{
		"a_terminated: the run was stopped from outside: its workflow was terminated from outside",
		"b_timed_out: the run was stopped from outside: its workflow was ended by a timeout of the server",
		"c_failed: the run was stopped from outside: its workflow ended without recording how",
		"g_missing: the run was stopped from outside: its workflow is not there any more",
	}, got)
	require.Equal(t, closed, lost.Runs[0].Record.EndedAt)
	require.Equal(t, now, lost.Runs[3].Record.EndedAt)
	require.Equal(t, []activities.StepRecord{{
		ID: "two", Position: 1, Status: job.StatusCanceled, Attempts: 3, StartedAt: now.Add(-time.Minute), EndedAt: closed,
		Log: activities.Log{Key: "k", Records: 2, SHA256: "s"},
	}, {
		ID: "unseen", Position: 2, Status: job.StatusCanceled, EndedAt: closed,
	}}, lost.Runs[0].Record.Steps, "also the steps of a run that was stopped before it was recorded")
}

func TestFindLostGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	p, sweeper := setup()
	for i := range 450 {
		p.open = append(p.open, run(fmt.Sprintf("run_%04d", i), job.StatusRunning, time.Hour))
	}
	seen := map[string]bool{}
	for _, want := range []int{100, 100, 100, 100, 50} {
		lost, err := sweeper.FindLost(t.Context())
		require.NoError(t, err)
		require.Len(t, lost.Runs, want)
		for _, l := range lost.Runs {
			require.False(t, seen[l.Record.Run.ID], "twice: "+l.Record.Run.ID)
			seen[l.Record.Run.ID] = true
		}
	}
	require.Len(t, seen, 450)
	lost, err := sweeper.FindLost(t.Context())
	require.NoError(t, err)
	require.Equal(t, "run_0000", lost.Runs[0].Record.Run.ID, "it begins anew")
}

func TestFindLostWithoutTemporalFindsNothing(t *testing.T) {
	t.Parallel()
	p, sweeper := setup()
	p.open = []store.Run{run("a", job.StatusRunning, time.Hour), run("b", job.StatusRunning, time.Hour)}
	p.descErr["run/default/a"] = serviceerror.NewUnavailable("away")
	lost, err := sweeper.FindLost(t.Context())
	require.NoError(t, err, "one that makes trouble doesn't hide the others")
	require.Len(t, lost.Runs, 1)

	p.descErr[""] = serviceerror.NewUnavailable("away")
	lost, err = sweeper.FindLost(t.Context())
	require.Error(t, err)
	require.Empty(t, lost.Runs)
	p.descErr[""] = serviceerror.NewNamespaceNotFound("default")
	_, err = sweeper.FindLost(t.Context())
	require.Error(t, err, "no namespace is no reason to end every run")
}

func TestDrainLogs(t *testing.T) {
	t.Parallel()
	p, sweeper := setup()
	p.drains = []drained{{moved: 200}, {moved: 200}, {moved: 3}}
	swept, err := sweeper.DrainLogs(t.Context())
	require.NoError(t, err)
	require.Equal(t, 403, swept.Count)

	_, err = sweeper.DrainLogs(t.Context())
	require.ErrorIs(t, err, errS3Away)

	p.drains = []drained{{198, errS3Away}, {7, errS3Away}, {0, errS3Away}, {moved: 1}}
	swept, err = sweeper.DrainLogs(t.Context())
	require.NoError(t, err)
	require.Equal(t, 205, swept.Count, "logs that S3 refuses keep no others from it")
	require.Len(t, p.drains, 1, "it ends when S3 takes none")
}
