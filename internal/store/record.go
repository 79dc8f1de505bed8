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

// Record writes runs' rows and those of their steps in one round trip and one
// transaction. A row never changes for a smaller rev, and one that has ended
// only if its status stays; so records may come twice and in any order. A run
// that is recorded has a workflow (see [Store.Unstarted]). After an error any of
// them may be unwritten. CodeNotFound: no such run; the others are written.
func (s *Store) Record(ctx context.Context, records ...RunRecord) error {
	// In one order always, so that two that write the same rows never wait for each other in a circle.
	records = slices.SortedStableFunc(slices.Values(records), func(a, b RunRecord) int { return cmp.Compare(a.Run, b.Run) })
	params := make([]db.RecordParams, len(records))
	for i, record := range records {
		var err error
		if params[i], err = recordParams(record); err != nil {
			return err
		}
	}
	var problem error
	s.queries.Record(ctx, params).QueryRow(func(i int, exists bool, err error) {
		switch {
		case err != nil:
			problem = cmp.Or(problem, failed("record a run", err))
		case !exists:
			problem = cmp.Or(problem, error(job.Errorf(job.CodeNotFound, "there is no run %q", records[i].Run)))
		}
	})
	return problem
}

func recordParams(r RunRecord) (db.RecordParams, error) {
	failure, err := encodeFailure(r.Error)
	if err != nil {
		return db.RecordParams{}, err
	}
	params := db.RecordParams{
		Run: r.Run, Rev: r.Rev, Status: string(r.Status),
		StartedAt: optionalTime(r.StartedAt), EndedAt: optionalTime(r.EndedAt),
		Output: notEmpty(r.Output), OutputKey: optional(r.OutputKey), Error: failure,
	}
	steps := slices.SortedFunc(slices.Values(r.Steps), func(a, b StepRecord) int { return cmp.Compare(a.ID, b.ID) })
	for _, step := range steps {
		if err := addStep(&params, step); err != nil {
			return db.RecordParams{}, err
		}
	}
	return params, nil
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
