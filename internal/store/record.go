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
	// Cleanup is how compensations and `finally` went; "" where there was nothing to do.
	Cleanup job.Status
	// Steps, Items and Approvals are those that changed.
	Steps     []StepRecord
	Items     []ItemRecord
	Approvals []ApprovalRecord
}

// StepRecord is one step's state; the zero time is "not yet".
type StepRecord struct {
	ID         string
	Position   int // in the file, from 0
	Status     job.Status
	Reason     job.Reason
	Attempts   int
	Output     json.RawMessage
	OutputKey  string
	Error      *job.Failure
	LogKey     string
	LogRecords int
	LogSHA256  string
	Items      *ItemCounts // nil: the step has none
	StartedAt  time.Time
	EndedAt    time.Time
}

// ItemRecord is the state of one item of a step; the zero time is "not yet".
type ItemRecord struct {
	Step, Key  string
	Index      int // its place in the list, from 0
	Status     job.Status
	Reason     job.Reason
	Attempts   int
	Error      *job.Failure
	LogKey     string
	LogRecords int
	LogSHA256  string
	StartedAt  time.Time
	EndedAt    time.Time
}

// ApprovalRecord is the state of an approval; a zero DecidedAt is "nobody has decided".
type ApprovalRecord struct {
	Step, Item  string   // Item is "" where the step has none
	By          []string // who may decide; none: everybody with the role
	Message     string
	Status      string // pending, approved, rejected, timed_out or canceled
	RequestedAt time.Time
	ExpiresAt   time.Time
	DecidedBy   string
	DecidedAt   time.Time
	Comment     string
}

// Record writes a run's row and those of its steps, items and approvals in one
// round trip, all or none. A row never changes for a smaller rev, and one that has
// ended only if its status stays, or it had succeeded and was compensated; so
// records may come twice and in any order. Items and approvals that are still open
// and that the record of the run's end doesn't name become canceled. A decision of an
// approval comes with its audit entry. A run that is
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
		Cleanup: optional(string(r.Cleanup)),
	}
	if err := addParts(&params, r); err != nil {
		return err
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

// addParts appends what a record says of a run's parts, in one order always, so
// that two records of a run never wait for each other in a circle.
func addParts(p *db.RecordParams, r RunRecord) error {
	for _, step := range slices.SortedFunc(slices.Values(r.Steps), func(a, b StepRecord) int { return cmp.Compare(a.ID, b.ID) }) {
		if err := addStep(p, step); err != nil {
			return err
		}
	}
	items := slices.SortedFunc(slices.Values(r.Items), func(a, b ItemRecord) int {
		return cmp.Or(cmp.Compare(a.Step, b.Step), cmp.Compare(a.Key, b.Key))
	})
	for _, item := range items {
		if err := addItem(p, item); err != nil {
			return err
		}
	}
	approvals := slices.SortedFunc(slices.Values(r.Approvals), func(a, b ApprovalRecord) int {
		return cmp.Or(cmp.Compare(a.Step, b.Step), cmp.Compare(a.Item, b.Item))
	})
	for _, approval := range approvals {
		if err := addApproval(p, approval); err != nil {
			return err
		}
	}
	return nil
}

// noItems stands for null in the columns of counts.
const noItems = -1

// addStep appends a step to the columns that the statement takes.
func addStep(p *db.RecordParams, step StepRecord) error {
	failure, err := encodeFailure(step.Error)
	if err != nil {
		return err
	}
	numbers, err := toInt32s(step.Position, step.Attempts, step.LogRecords)
	if err != nil {
		return err
	}
	counts := []int32{noItems, noItems, noItems}
	if step.Items != nil {
		if counts, err = toInt32s(step.Items.Total, step.Items.Succeeded, step.Items.Failed); err != nil {
			return err
		}
	}
	p.StepIds = append(p.StepIds, step.ID)
	p.Positions = append(p.Positions, numbers[0])
	p.Statuses = append(p.Statuses, string(step.Status))
	p.Reasons = append(p.Reasons, string(step.Reason))
	p.Attempts = append(p.Attempts, numbers[1])
	p.Outputs = append(p.Outputs, notNil(step.Output))
	p.OutputKeys = append(p.OutputKeys, step.OutputKey)
	p.Errors = append(p.Errors, string(failure))
	p.LogKeys = append(p.LogKeys, step.LogKey)
	p.LogRecords = append(p.LogRecords, numbers[2])
	p.LogSha256s = append(p.LogSha256s, step.LogSHA256)
	p.Totals = append(p.Totals, counts[0])
	p.Succeeded = append(p.Succeeded, counts[1])
	p.Failed = append(p.Failed, counts[2])
	p.Starts = append(p.Starts, step.StartedAt.UTC())
	p.Ends = append(p.Ends, step.EndedAt.UTC())
	return nil
}

func addItem(p *db.RecordParams, item ItemRecord) error {
	failure, err := encodeFailure(item.Error)
	if err != nil {
		return err
	}
	numbers, err := toInt32s(item.Index, item.Attempts, item.LogRecords)
	if err != nil {
		return err
	}
	p.ItemSteps = append(p.ItemSteps, item.Step)
	p.ItemKeys = append(p.ItemKeys, item.Key)
	p.ItemPositions = append(p.ItemPositions, numbers[0])
	p.ItemStatuses = append(p.ItemStatuses, string(item.Status))
	p.ItemReasons = append(p.ItemReasons, string(item.Reason))
	p.ItemAttempts = append(p.ItemAttempts, numbers[1])
	p.ItemErrors = append(p.ItemErrors, string(failure))
	p.ItemLogKeys = append(p.ItemLogKeys, item.LogKey)
	p.ItemLogRecords = append(p.ItemLogRecords, numbers[2])
	p.ItemLogSha256s = append(p.ItemLogSha256s, item.LogSHA256)
	p.ItemStarts = append(p.ItemStarts, item.StartedAt.UTC())
	p.ItemEnds = append(p.ItemEnds, item.EndedAt.UTC())
	return nil
}

func addApproval(p *db.RecordParams, approval ApprovalRecord) error {
	approvers, err := json.Marshal(notNilSlice(approval.By))
	if err != nil {
		return failed("encode the approvers", err)
	}
	p.ApprovalSteps = append(p.ApprovalSteps, approval.Step)
	p.ApprovalItems = append(p.ApprovalItems, approval.Item)
	p.ApprovalApprovers = append(p.ApprovalApprovers, string(approvers))
	// A message is made of any values, and a record must never be refused for one.
	p.ApprovalMessages = append(p.ApprovalMessages, storable(approval.Message))
	p.ApprovalStatuses = append(p.ApprovalStatuses, approval.Status)
	p.ApprovalRequests = append(p.ApprovalRequests, approval.RequestedAt.UTC())
	p.ApprovalExpiries = append(p.ApprovalExpiries, approval.ExpiresAt.UTC())
	p.ApprovalDeciders = append(p.ApprovalDeciders, storable(approval.DecidedBy))
	p.ApprovalDecisions = append(p.ApprovalDecisions, approval.DecidedAt.UTC())
	p.ApprovalComments = append(p.ApprovalComments, storable(approval.Comment))
	return nil
}
