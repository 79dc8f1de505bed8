package store

import (
	"context"
	"time"

	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/store/internal/db"
)

// Filter narrows a list of runs; a zero field doesn't.
type Filter struct {
	Job     string
	Status  []job.Status // any of them
	Trigger string       // its kind
	Version int
	// Since and Until bound CreatedAt: since ≤ created < until.
	Since, Until time.Time
	Labels       map[string]string // all of them
	// Query is a part of the ID, of the job's name or of the error, in upper or lower case.
	Query string
}

// Run returns a run of any team; the caller compares the team. CodeNotFound.
func (s *Store) Run(ctx context.Context, id string) (Run, error) {
	row, err := s.queries.GetRun(ctx, id)
	if err != nil {
		return Run{}, found("read a run", err, "there is no run %q", id)
	}
	return toRun(row)
}

// RunState is the part of a run that is asked for again and again: whose it is,
// under which date its logs lie, and whether it has ended.
type RunState struct {
	Team      string
	CreatedAt time.Time // UTC
	Status    job.Status
}

// RunState returns the state of a run of any team, without its input and output;
// the caller compares the team. CodeNotFound.
func (s *Store) RunState(ctx context.Context, id string) (RunState, error) {
	row, err := s.queries.GetRunState(ctx, id)
	if err != nil {
		return RunState{}, found("read a run's state", err, "there is no run %q", id)
	}
	return RunState{Team: row.Team, CreatedAt: row.CreatedAt.UTC(), Status: job.Status(row.Status)}, nil
}

// Ended returns those of the runs, of any team, that have ended.
func (s *Store) Ended(ctx context.Context, runs []string) ([]string, error) {
	ended, err := s.queries.EndedRuns(ctx, runs)
	return ended, failed("look for ended runs", err)
}

// Runs lists a team's runs, newest first, without inputs and outputs. Pages
// that follow each other's cursors have every run that was there at the first
// page exactly once, while others arrive. CodeMalformed: the cursor is none of this list.
func (s *Store) Runs(ctx context.Context, team string, filter Filter, limit int, cursor string) (Page[Run], error) {
	before, err := decodeCursor(listRuns, cursor)
	if err != nil {
		return Page[Run]{}, err
	}
	limit = pageLimit(limit)
	params, err := filter.params()
	if err != nil {
		return Page[Run]{}, err
	}
	params.Team, params.Before, params.Max = team, optional(before), int32(limit)+1 //nolint:gosec // at most MaxLimit
	rows, err := s.queries.ListRuns(ctx, params)
	if err != nil {
		return Page[Run]{}, failed("list runs", err)
	}
	runs, err := toRuns(rows, toListedRun)
	if err != nil {
		return Page[Run]{}, err
	}
	return page(listRuns, runs, limit, func(r Run) string { return r.ID }), nil
}

func (f Filter) params() (db.ListRunsParams, error) {
	version, err := toInt32(f.Version)
	if err != nil {
		return db.ListRunsParams{}, err
	}
	var labels []byte
	if len(f.Labels) > 0 {
		if labels, err = encodeLabels(f.Labels); err != nil {
			return db.ListRunsParams{}, err
		}
	}
	var statuses []string
	for _, status := range f.Status {
		statuses = append(statuses, string(status))
	}
	return db.ListRunsParams{
		Job: optional(f.Job), Statuses: statuses, TriggerKind: optional(f.Trigger), Version: optional(version),
		Since: optionalTime(f.Since), Until: optionalTime(f.Until), Labels: labels, Q: optional(f.Query),
	}, nil
}

// Steps lists a run's steps in the file's order, without outputs; one that has not begun is not there.
func (s *Store) Steps(ctx context.Context, run string) ([]Step, error) {
	rows, err := s.queries.ListSteps(ctx, run)
	if err != nil {
		return nil, failed("list steps", err)
	}
	steps := make([]Step, len(rows))
	for i, row := range rows {
		steps[i], err = toStep(db.Step{
			Run: row.Run, Step: row.Step, Team: row.Team, Position: row.Position, Status: row.Status, Reason: row.Reason,
			Attempts: row.Attempts, Error: row.Error, LogKey: row.LogKey, LogRecords: row.LogRecords, LogSha256: row.LogSha256,
			Rev: row.Rev, StartedAt: row.StartedAt, EndedAt: row.EndedAt,
		})
		if err != nil {
			return nil, err
		}
	}
	return steps, nil
}

// Step returns one step of a run. CodeNotFound, also for one that has not begun.
func (s *Store) Step(ctx context.Context, run, step string) (Step, error) {
	row, err := s.queries.GetStep(ctx, db.GetStepParams{Run: run, Step: step})
	if err != nil {
		return Step{}, found("read a step", err, "run %q has no step %q that has begun", run, step)
	}
	return toStep(row)
}
