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
	Parent  string       // the run that started it
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
// of which version of a job, under which date its logs lie, whether it has ended, and whether it asks a person.
type RunState struct {
	Team      string
	Job       string
	Version   int
	CreatedAt time.Time // UTC
	Status    job.Status
	// AskedAt is when the last approval that is pending was asked for, zero when none is.
	AskedAt time.Time
}

// RunState returns the state of a run of any team, without its input and output;
// the caller compares the team. CodeNotFound.
func (s *Store) RunState(ctx context.Context, id string) (RunState, error) {
	row, err := s.queries.GetRunState(ctx, id)
	if err != nil {
		return RunState{}, found("read a run's state", err, "there is no run %q", id)
	}
	return RunState{
		Team: row.Team, Job: row.Job, Version: int(row.Version),
		CreatedAt: row.CreatedAt.UTC(), Status: job.Status(row.Status), AskedAt: row.AskedAt.UTC(),
	}, nil
}

// Settled returns those of the runs, of any team, that have ended, or wait for a person.
func (s *Store) Settled(ctx context.Context, runs []string) ([]string, error) {
	settled, err := s.queries.SettledRuns(ctx, runs)
	return settled, failed("look for settled runs", err)
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
	return db.ListRunsParams{
		Job: optional(f.Job), Statuses: texts(f.Status), TriggerKind: optional(f.Trigger), Parent: optional(f.Parent), Version: optional(version),
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
			ItemsTotal: row.ItemsTotal, ItemsSucceeded: row.ItemsSucceeded, ItemsFailed: row.ItemsFailed,
			Rev: row.Rev, StartedAt: row.StartedAt, EndedAt: row.EndedAt,
		})
		if err != nil {
			return nil, err
		}
	}
	return steps, nil
}

// HasStep says whether a step of a run has begun.
func (s *Store) HasStep(ctx context.Context, run, step string) (bool, error) {
	has, err := s.queries.HasStep(ctx, db.HasStepParams{Run: run, Step: step})
	return has, failed("look for a step", err)
}

// Step returns one step of a run. CodeNotFound, also for one that has not begun.
func (s *Store) Step(ctx context.Context, run, step string) (Step, error) {
	row, err := s.queries.GetStep(ctx, db.GetStepParams{Run: run, Step: step})
	if err != nil {
		return Step{}, found("read a step", err, "run %q has no step %q that has begun", run, step)
	}
	return toStep(row)
}
