package store

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/store/internal/db"
)

// RunRecord is what a run has come to. The zero time is "not yet".
type RunRecord struct {
	Run string
	// Rev is greater than that of the record before, unless it is the same record
	// again, seen later; a record with a smaller one changes nothing.
	Rev       int64
	Status    job.Status
	StartedAt time.Time
	EndedAt   time.Time
	// Output is inline, or OutputKey names its object, or the run has none.
	Output    json.RawMessage
	OutputKey string
	Error     *job.Failure
	// Steps are those that changed.
	Steps []StepRecord
}

// StepRecord is one step's state; the zero time is "not yet".
type StepRecord struct {
	ID         string
	Position   int // in the file, from 0
	Status     job.Status
	Reason     job.SkipReason
	Attempts   int
	Output     json.RawMessage
	OutputKey  string
	Error      *job.Failure
	LogKey     string
	LogRecords int
	LogSHA256  string
	StartedAt  time.Time
	EndedAt    time.Time
}

// Record writes a run's row and those of its steps in one round trip, all or
// none. A row never changes for a smaller rev, and one that has ended only if
// its status stays; so records may come twice and in any order. A run that is
// recorded has a workflow (see [Store.Unstarted]). CodeNotFound: no such run.
func (s *Store) Record(ctx context.Context, r RunRecord) error {
	failure, err := encodeFailure(r.Error)
	if err != nil {
		return err
	}
	params := db.RecordParams{
		Run: r.Run, Rev: r.Rev, Status: string(r.Status),
		StartedAt: optionalTime(r.StartedAt), EndedAt: optionalTime(r.EndedAt),
		Output: notEmpty(r.Output), OutputKey: optional(r.OutputKey), Error: failure,
	}
	// In one order always, so that two records of a run never wait for each other in a circle.
	steps := slices.SortedFunc(slices.Values(r.Steps), func(a, b StepRecord) int { return cmp.Compare(a.ID, b.ID) })
	for _, step := range steps {
		if err := addStep(&params, step); err != nil {
			return err
		}
	}
	exists, err := s.queries.Record(ctx, params)
	if err != nil {
		return failed("record a run", err)
	}
	if !exists {
		return job.Errorf(job.CodeNotFound, "there is no run %q", r.Run)
	}
	return nil
}

// Outcome returns a run's status and, where it ended badly, why. CodeNotFound: no such run.
func (s *Store) Outcome(ctx context.Context, run string) (job.Status, *job.Failure, error) {
	row, err := s.queries.RunOutcome(ctx, run)
	if err != nil {
		return "", nil, found("read a run's outcome", err, "there is no run %q", run)
	}
	failure, err := decodeFailure(row.Error)
	return job.Status(row.Status), failure, err
}

// addStep appends a step to the columns that the statement takes.
func addStep(p *db.RecordParams, step StepRecord) error {
	failure, err := encodeFailure(step.Error)
	if err != nil {
		return err
	}
	position, err := toInt32(step.Position)
	if err != nil {
		return err
	}
	attempts, err := toInt32(step.Attempts)
	if err != nil {
		return err
	}
	records, err := toInt32(step.LogRecords)
	if err != nil {
		return err
	}
	p.StepIds = append(p.StepIds, step.ID)
	p.Positions = append(p.Positions, position)
	p.Statuses = append(p.Statuses, string(step.Status))
	p.Reasons = append(p.Reasons, string(step.Reason))
	p.Attempts = append(p.Attempts, attempts)
	p.Outputs = append(p.Outputs, notNil(step.Output))
	p.OutputKeys = append(p.OutputKeys, step.OutputKey)
	p.Errors = append(p.Errors, string(failure))
	p.LogKeys = append(p.LogKeys, step.LogKey)
	p.LogRecords = append(p.LogRecords, records)
	p.LogSha256s = append(p.LogSha256s, step.LogSHA256)
	p.Starts = append(p.Starts, step.StartedAt.UTC())
	p.Ends = append(p.Ends, step.EndedAt.UTC())
	return nil
}
