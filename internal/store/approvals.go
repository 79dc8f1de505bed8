package store

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/fairlead/fairlead/internal/store/internal/db"
)

// Approval is a decision that a run waits for, or was given.
type Approval struct {
	Run, Team, Job string
	ApprovalRecord
}

// ApprovalFilter narrows a list of approvals; a zero field doesn't.
type ApprovalFilter struct {
	Run    string
	Status []string // any of them
}

// Approvals lists a team's approvals, those asked for last first. Pages that follow
// each other's cursors have every one that was there at the first page once, as
// long as its status is asked for. CodeMalformed: the cursor is none of this list.
func (s *Store) Approvals(ctx context.Context, team string, filter ApprovalFilter, limit int, cursor string) (Page[Approval], error) {
	params := db.ListApprovalsParams{Team: team, Run: optional(filter.Run), Statuses: filter.Status}
	if err := before(&params, cursor); err != nil {
		return Page[Approval]{}, err
	}
	limit = pageLimit(limit)
	params.Max = int32(limit) + 1 //nolint:gosec // at most MaxLimit
	rows, err := s.queries.ListApprovals(ctx, params)
	if err != nil {
		return Page[Approval]{}, failed("list approvals", err)
	}
	approvals := make([]Approval, len(rows))
	for i, row := range rows {
		if approvals[i], err = toApproval(row); err != nil {
			return Page[Approval]{}, err
		}
	}
	return page(listApprovals, approvals, limit, func(a Approval) string {
		return strings.Join([]string{a.RequestedAt.Format(time.RFC3339Nano), a.Run, a.Step, a.Item}, "\n")
	}), nil
}

// Approval returns one approval of a run of any team; the caller compares the team.
// CodeNotFound, also for one that was not asked for yet.
func (s *Store) Approval(ctx context.Context, run, step, item string) (Approval, error) {
	row, err := s.queries.GetApproval(ctx, db.GetApprovalParams{Run: run, Step: step, Item: item})
	if err != nil {
		return Approval{}, found("read an approval", err, "run %q waits for no approval of step %q", run, step)
	}
	return toApproval(row)
}

// before has a list begin before what a cursor names: neither a step's ID nor an item's key has a line break.
func before(params *db.ListApprovalsParams, cursor string) error {
	after, err := decodeCursor(listApprovals, cursor)
	if err != nil || after == "" {
		return err
	}
	parts := strings.SplitN(after, "\n", 4)
	if len(parts) != 4 {
		return errCursor()
	}
	at, err := time.Parse(time.RFC3339Nano, parts[0])
	if err != nil {
		return errCursor()
	}
	params.Before, params.BeforeRun, params.BeforeStep, params.BeforeItem = &at, parts[1], parts[2], parts[3]
	return nil
}

func toApproval(row db.Approval) (Approval, error) {
	var by []string
	if err := json.Unmarshal(row.Approvers, &by); err != nil {
		return Approval{}, failed("decode the approvers", err)
	}
	return Approval{Run: row.Run, Team: row.Team, Job: row.Job, ApprovalRecord: ApprovalRecord{
		Step: row.Step, Item: row.Item, By: by, Message: row.Message, Status: row.Status,
		RequestedAt: row.RequestedAt.UTC(), ExpiresAt: row.ExpiresAt.UTC(),
		DecidedBy: value(row.DecidedBy), DecidedAt: instant(row.DecidedAt), Comment: row.Comment,
	}}, nil
}
