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

// triggerJob is the trigger of a run that another run has started.
const triggerJob = "job"

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
		return s.absent(ctx, run)
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

// absent says why a run that has no workflow will get none any more. A child
// gets its own from its parent, which may take its time.
func (s *Sweeper) absent(ctx context.Context, run store.Run) (why string, closed time.Time, err error) {
	from, ok := originOf(run)
	if !ok || run.Rev > 0 {
		return "its workflow is not there any more", s.Now(), nil
	}
	parent, err := s.Runs.Run(ctx, from.Parent)
	switch {
	case err != nil && !gone(err):
		return "", time.Time{}, err
	case err == nil && !parent.Status.Ended():
		return "", time.Time{}, nil
	}
	return "the run that started it was over before it had begun", s.Now(), nil
}

// origin is what a child's row says of where it comes from.
type origin struct {
	Parent string `json:"parent"`
	Silent bool   `json:"silent"`
}

// originOf is where a run comes from; not ok: another run has not started it.
func originOf(run store.Run) (from origin, ok bool) {
	if run.Trigger.Kind != triggerJob || json.Unmarshal(run.Trigger.Detail, &from) != nil {
		return origin{}, false
	}
	return from, true
}

// ending is the record that ends a lost run, its open steps canceled. Open items
// and approvals end with the run, wherever that is recorded.
func (s *Sweeper) ending(ctx context.Context, run store.Run, why string, closed time.Time) (*activities.LostRun, error) {
	steps, err := s.Runs.Steps(ctx, run.ID)
	if err != nil {
		return nil, err
	}
	definition, err := s.definition(ctx, run)
	if err != nil {
		return nil, err
	}
	if from, ok := originOf(run); ok && from.Silent {
		definition.Notify = nil
	}
	closed = closed.UTC()
	return &activities.LostRun{Rules: definition.Notify, Record: activities.RunRecord{
		Run: activities.Run{ID: run.ID, Team: run.Team, Job: run.Job, Version: run.Version, CreatedAt: run.CreatedAt},
		Rev: run.Rev + 1, Status: job.StatusFailed, StartedAt: run.StartedAt, EndedAt: closed,
		Error: &job.Failure{Code: codeTerminated, Message: "the run was stopped from outside: " + why},
		Steps: canceled(definition, steps, closed),
	}}, nil
}

// canceled ends the steps that were open: those that were recorded, in the order
// of their rows, and those that a run that was stopped early had not recorded yet.
func canceled(definition definition, recorded []store.Step, closed time.Time) []activities.StepRecord {
	var records []activities.StepRecord
	seen := make(map[string]bool, len(recorded))
	for _, step := range recorded {
		seen[step.ID] = true
		if step.Status.Ended() {
			continue
		}
		record := activities.StepRecord{
			ID: step.ID, Position: step.Position, Status: job.StatusCanceled, Attempts: step.Attempts, StartedAt: step.StartedAt, EndedAt: closed,
			Log: activities.Log{Key: step.LogKey, Records: step.LogRecords, SHA256: step.LogSHA256},
		}
		if items := step.Items; items != nil {
			record.Items = &activities.ItemCounts{Total: items.Total, Succeeded: items.Succeeded, Failed: items.Failed}
		}
		records = append(records, record)
	}
	for position, id := range definition.ids() {
		if !seen[id] {
			records = append(records, activities.StepRecord{ID: id, Position: position, Status: job.StatusCanceled, EndedAt: closed})
		}
	}
	return records
}

// definition is what the version that ran says of its steps and of whom to tell.
type definition struct {
	Steps   []defined        `json:"steps"`
	Finally []defined        `json:"finally"`
	Notify  []job.NotifyRule `json:"notify"`
}

// defined is a step, or a group with those inside.
type defined struct {
	ID    string    `json:"id"`
	Steps []defined `json:"steps"`
}

// ids are the steps in the order of their positions: a group before its own, `finally` last.
func (d definition) ids() []string {
	var ids []string
	for _, step := range slices.Concat(d.Steps, d.Finally) {
		ids = append(ids, step.ID)
		for _, inner := range step.Steps {
			ids = append(ids, inner.ID)
		}
	}
	return ids
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
