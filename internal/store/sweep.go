package store

import (
	"context"
	"time"

	"github.com/fairlead/fairlead/internal/store/internal/db"
)

// MarkStarted notes that a run's workflow was started: no sweep starts it again. Repeats are harmless.
func (s *Store) MarkStarted(ctx context.Context, run string) error {
	return failed("note a started workflow", s.queries.MarkRunStarted(ctx, run))
}

// Unstarted lists the IDs of runs of all teams that are older than age and whose
// workflow was never started, in order, beginning behind the run `after` ("" for the first).
func (s *Store) Unstarted(ctx context.Context, age time.Duration, after string, limit int) ([]string, error) {
	ids, err := s.queries.UnstartedRuns(ctx, db.UnstartedRunsParams{
		After: after, AgeSeconds: age.Seconds(), Max: int32(pageLimit(limit)), //nolint:gosec // at most MaxLimit
	})
	return ids, failed("list unstarted runs", err)
}

// OpenRuns lists runs of all teams whose workflow was started and that have not
// ended, by ID, beginning behind the run `after` ("" for the first); without inputs and outputs.
func (s *Store) OpenRuns(ctx context.Context, after string, limit int) ([]Run, error) {
	rows, err := s.queries.OpenRuns(ctx, db.OpenRunsParams{After: after, Max: int32(pageLimit(limit))}) //nolint:gosec // at most MaxLimit
	if err != nil {
		return nil, failed("list open runs", err)
	}
	return toRuns(rows, func(row db.OpenRunsRow) (Run, error) { return toListedRun(db.ListRunsRow(row)) })
}

// PreviousEnded returns the newest run of a job that was submitted before
// another one and came to a verdict: succeeded, failed or timed_out.
// CodeNotFound when there is none.
func (s *Store) PreviousEnded(ctx context.Context, team, jobName, before string) (Run, error) {
	row, err := s.queries.PreviousEndedRun(ctx, db.PreviousEndedRunParams{Team: team, Job: jobName, Before: before})
	if err != nil {
		return Run{}, found("read the previous run", err, "no run of job %q ended before %s", jobName, before)
	}
	return toListedRun(db.ListRunsRow(row))
}
