package upkeep

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/store"
)

// codeTerminated is the failure of a run whose workflow was stopped from outside.
const codeTerminated = "terminated_outside"

const (
	// lostAge is how long a row may be open before its workflow is looked for.
	lostAge = time.Minute
	// maxLost is the most lost runs that one sweep reports.
	maxLost = 100
	// lookers look for workflows at the same time.
	lookers = 8
)

// FindLost finds open rows whose workflow is gone, and changes nothing. A sweep
// that runs out of time, or finds more than it reports, goes on there the next time.
func (s *Sweeper) FindLost(ctx context.Context) (activities.Lost, error) {
	s.finding.Lock()
	defer s.finding.Unlock()
	var lost activities.Lost
	for !s.late(ctx) && len(lost.Runs) < maxLost {
		runs, err := s.Runs.OpenRuns(ctx, s.found, page)
		var found []activities.LostRun
		if err == nil {
			found, err = s.lostOf(ctx, runs)
		}
		if err != nil && len(lost.Runs) == 0 {
			return activities.Lost{}, err
		}
		if err != nil { // what was found before counts
			break
		}
		if room := maxLost - len(lost.Runs); len(found) > room {
			lost.Runs = append(lost.Runs, found[:room]...)
			s.found = found[room-1].Record.Run.ID
			break
		}
		lost.Runs = append(lost.Runs, found...)
		if len(runs) < page {
			s.found = ""
			break
		}
		s.found = runs[len(runs)-1].ID
	}
	return lost, nil
}

// lostOf looks for the workflows of a page of runs, several at a time, and
// returns the lost ones in order. It fails only if nothing could be looked
// for: one row that makes trouble doesn't hide the others.
func (s *Sweeper) lostOf(ctx context.Context, runs []store.Run) ([]activities.LostRun, error) {
	old := slices.DeleteFunc(slices.Clone(runs), func(run store.Run) bool { return s.Now().Sub(run.WorkflowStartedAt) < lostAge })
	looks, errs := make([]*activities.LostRun, len(old)), make([]error, len(old))
	together(old, lookers, never, func(i int, run store.Run) { looks[i], errs[i] = s.look(ctx, run) })
	var (
		found  []activities.LostRun
		first  error
		looked bool
	)
	for i, err := range errs {
		looked = looked || err == nil
		if err != nil && first == nil {
			first = err
			s.Log.Warn("a run's workflow could not be looked for", attrs(old[i], err)...)
		}
		if looks[i] != nil {
			found = append(found, *looks[i])
		}
	}
	if looked {
		first = nil
	}
	return found, first
}

func never() bool { return false }

// look returns how to end a run, or nil if there is nothing to end.
func (s *Sweeper) look(ctx context.Context, run store.Run) (*activities.LostRun, error) {
	why, closed, err := s.fate(ctx, run)
	if err != nil || why == "" {
		return nil, err
	}
	// A workflow records its run's end before it ends itself: only a row that
	// is still open now was left behind.
	run, err = s.Runs.Run(ctx, run.ID)
	if gone(err) || err == nil && run.Status.Ended() {
		return nil, nil //nolint:nilnil // nothing to end is no error
	}
	if err != nil {
		return nil, err
	}
	return s.ending(ctx, run, why, closed)
}

// fate says why a run's workflow will never end it, and since when; "" if it may.
func (s *Sweeper) fate(ctx context.Context, run store.Run) (why string, closed time.Time, err error) {
	described, err := s.Workflows.DescribeWorkflowExecution(ctx, s.WorkflowID(run.Team, run.ID), "")
	if _, ok := errors.AsType[*serviceerror.NotFound](err); ok {
		return "its workflow is not there any more", s.Now(), nil
	}
	if err != nil {
		return "", time.Time{}, err
	}
	info := described.GetWorkflowExecutionInfo()
	closed = s.Now()
	if at := info.GetCloseTime(); at != nil {
		closed = at.AsTime()
	}
	switch info.GetStatus() { //nolint:exhaustive // whatever else there is may still end the run
	case enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED:
		return "its workflow was terminated from outside", closed, nil
	case enumspb.WORKFLOW_EXECUTION_STATUS_TIMED_OUT:
		return "its workflow was ended by a timeout of the server", closed, nil
	case enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED, enumspb.WORKFLOW_EXECUTION_STATUS_FAILED, enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED:
		return "its workflow ended without recording how", closed, nil
	}
	return "", time.Time{}, nil
}

// ending is the record that ends a lost run, its open steps canceled.
func (s *Sweeper) ending(ctx context.Context, run store.Run, why string, closed time.Time) (*activities.LostRun, error) {
	steps, err := s.Runs.Steps(ctx, run.ID)
	if err != nil {
		return nil, err
	}
	definition, err := s.definition(ctx, run)
	if err != nil {
		return nil, err
	}
	closed = closed.UTC()
	record := activities.RunRecord{
		Run: activities.Run{ID: run.ID, Team: run.Team, Job: run.Job, Version: run.Version, CreatedAt: run.CreatedAt},
		Rev: run.Rev + 1, Status: job.StatusFailed, StartedAt: run.StartedAt, EndedAt: closed,
		Error: &job.Failure{Code: codeTerminated, Message: "the run was stopped from outside: " + why},
	}
	recorded := make(map[string]store.Step, len(steps))
	for _, step := range steps {
		recorded[step.ID] = step
	}
	for position, defined := range definition.Steps {
		step, ok := recorded[defined.ID] // none when the run was stopped before its first record
		if ok && step.Status.Ended() {
			continue
		}
		record.Steps = append(record.Steps, activities.StepRecord{
			ID: defined.ID, Position: position, Status: job.StatusCanceled, Attempts: step.Attempts, StartedAt: step.StartedAt, EndedAt: closed,
			Log: activities.Log{Key: step.LogKey, Records: step.LogRecords, SHA256: step.LogSHA256},
		})
	}
	return &activities.LostRun{Record: record, Rules: definition.Notify}, nil
}

// definition is what the version that ran says of its steps and of whom to tell.
type definition struct {
	Steps []struct {
		ID string `json:"id"`
	} `json:"steps"`
	Notify []job.NotifyRule `json:"notify"`
}

func (s *Sweeper) definition(ctx context.Context, run store.Run) (definition, error) {
	version, err := s.Runs.Job(ctx, run.Team, run.Job, run.Version)
	if err != nil {
		return definition{}, err
	}
	var read definition
	if err := json.Unmarshal(version.Canonical, &read); err != nil {
		return definition{}, job.Wrap(job.CodeInternal, err, "the canonical form of a job can't be read")
	}
	return read, nil
}
