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
	// unstartedAge is how old a run is before its start is taken from the one who acknowledged it.
	unstartedAge = 5 * time.Second
	// lostAge is how long a row may be open before its workflow is looked for.
	lostAge = time.Minute
	// page is how many rows, and spooled logs, a sweep takes at a time.
	page = 200
	// maxLost is how many lost runs one sweep reports.
	maxLost = 100
	// lookers look for workflows at the same time.
	lookers = 8
	// reserve is left of a sweep's time for its answer.
	reserve = 5 * time.Second
)

// Runs are the rows of runs.
type Runs interface {
	// Unstarted lists runs older than age whose workflow was never started, oldest first.
	Unstarted(ctx context.Context, age time.Duration, limit int) ([]store.Run, error)
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

	mu sync.Mutex
	// after is the run behind which the next search for lost ones begins.
	after string
}

// New returns a sweeper.
func New(parts Parts) *Sweeper {
	if parts.Now == nil {
		parts.Now = time.Now
	}
	return &Sweeper{Parts: parts}
}

// StartQueued starts the workflow of every acknowledged run that has none. A
// run that can't be started keeps no other from it; the error is of the last one.
func (s *Sweeper) StartQueued(ctx context.Context) (activities.Swept, error) {
	runs, err := s.Runs.Unstarted(ctx, unstartedAge, page)
	if err != nil {
		return activities.Swept{}, err
	}
	swept := activities.Swept{}
	for _, run := range runs {
		if ctx.Err() != nil {
			return swept, ctx.Err()
		}
		if startErr := s.Start(ctx, run); startErr != nil {
			err = startErr
			s.Log.Warn("a queued run could not be started", attrs(run, startErr)...)
			continue
		}
		swept.Count++
	}
	if swept.Count > 0 {
		return swept, nil
	}
	return swept, err
}

// DrainLogs moves spooled logs to S3. When S3 takes only some, it says how many.
func (s *Sweeper) DrainLogs(ctx context.Context) (activities.Swept, error) {
	total := 0
	for {
		moved, err := s.Logs.Drain(ctx, page)
		total += moved
		if err != nil && total == 0 {
			return activities.Swept{}, err
		}
		if err != nil || moved < page || s.late(ctx) {
			return activities.Swept{Count: total}, nil
		}
	}
}

// late reports whether a sweep's time is nearly over.
func (s *Sweeper) late(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() != nil || ok && time.Until(deadline) < reserve
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
