package gateway

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/fairlead/fairlead/gateway/api"
	"github.com/fairlead/fairlead/gateway/auth"
	"github.com/fairlead/fairlead/gateway/contract"
	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/store"
	"github.com/fairlead/fairlead/workflows"
)

// ListApprovals lists what a team's runs ask people.
func (s *server) ListApprovals(ctx context.Context, request api.ListApprovalsRequestObject) (api.ListApprovalsResponseObject, error) {
	filter := store.ApprovalFilter{Run: value(request.Params.Run)}
	for _, status := range value(request.Params.Status) {
		filter.Status = append(filter.Status, string(status))
	}
	page, err := s.Runs.Approvals(ctx, request.Team, filter, pageLimit(request.Params.Limit), value(request.Params.Cursor))
	if err != nil {
		return nil, err
	}
	items := make([]api.Approval, len(page.Items))
	for i, approval := range page.Items {
		items[i] = toApproval(approval)
	}
	return api.ListApprovals200JSONResponse{Items: items, Next: page.Next}, nil
}

// DecideApproval gives a run the caller's decision. The run records it, and its audit entry with it.
func (s *server) DecideApproval(ctx context.Context, request api.DecideApprovalRequestObject) (api.DecideApprovalResponseObject, error) {
	caller := auth.From(ctx)
	decision := workflows.Decision{
		Step: request.Step, Item: request.Body.Item, Approved: request.Body.Decision == api.DecisionApproved, Comment: request.Body.Comment,
		By: caller.Subject, Email: caller.Email, Groups: caller.Groups,
	}
	run, err := s.Runs.Run(ctx, request.Run)
	if err != nil {
		return nil, err
	}
	approval := store.Approval{Run: run.ID, Team: run.Team, Job: run.Job}
	decided, err := s.decided(ctx, run, decision)
	if err != nil {
		return nil, err
	}
	if decided != nil {
		return api.DecideApproval200JSONResponse(toApproval(*decided)), nil
	}
	approval.ApprovalRecord, err = s.Workflows.Decide(ctx, run.Team, run.ID, decision)
	if job.CodeOf(err) == job.CodeGone {
		return nil, s.unanswered(ctx, run.ID)
	}
	if err != nil {
		return nil, err
	}
	return api.DecideApproval200JSONResponse(toApproval(approval)), nil
}

// decided says from the rows what needs no workflow: the approval, where the
// caller decided so before; CodeConflict where it is over, CodeNotFound for a name
// that is no step's. Neither: the workflow knows.
func (s *server) decided(ctx context.Context, run store.Run, decision workflows.Decision) (*store.Approval, error) {
	approval, err := s.Runs.Approval(ctx, run.ID, decision.Step, decision.Item)
	asked := err == nil
	switch {
	case asked && approval.Status == string(api.ApprovalPending) && !run.Status.Ended():
		return nil, nil //nolint:nilnil // neither is an answer
	case asked && approval.DecidedBy == decision.By && approval.Status == verdict(decision):
		return &approval, nil
	case asked && approval.DecidedBy != "":
		return nil, job.Errorf(job.CodeConflict, "%s was %s before, by %s", name(decision), approval.Status, approval.DecidedBy)
	case asked:
		return nil, job.Errorf(job.CodeConflict, "%s is over: %s", name(decision), approval.Status)
	case job.CodeOf(err) != job.CodeNotFound:
		return nil, err
	}
	if err := s.requireStep(ctx, run.ID, decision.Step); err != nil {
		return nil, err
	}
	if run.Status.Ended() {
		return nil, job.Errorf(job.CodeConflict, "the run has ended: %s", run.Status)
	}
	return nil, nil //nolint:nilnil // neither is an answer
}

// verdict is the status that a decision gives its approval.
func verdict(decision workflows.Decision) string {
	if decision.Approved {
		return string(api.ApprovalApproved)
	}
	return string(api.ApprovalRejected)
}

func name(decision workflows.Decision) string {
	if decision.Item == "" {
		return fmt.Sprintf("the approval of step %q", contract.Shorten(decision.Step))
	}
	return fmt.Sprintf("the approval of step %q for item %q", contract.Shorten(decision.Step), contract.Shorten(decision.Item))
}

// unanswered is why a run has no workflow that could be asked: it has ended, or is about to begin or to end.
func (s *server) unanswered(ctx context.Context, id string) error {
	state, err := s.Runs.RunState(ctx, id)
	switch {
	case err != nil:
		return err
	case state.Status.Ended():
		return job.Errorf(job.CodeConflict, "the run has ended: %s", state.Status)
	}
	return job.Errorf(job.CodeUnavailable, "the run is about to begin, or to end: try again")
}

// note keeps in the audit trail what the caller did to a run.
func (s *server) note(ctx context.Context, run store.Run, action string, detail map[string]string) error {
	raw, err := json.Marshal(detail)
	if err != nil {
		return fmt.Errorf("encode the audit entry: %w", err)
	}
	return s.Runs.Note(ctx, run.Team, store.AuditEntry{Actor: auth.From(ctx).Subject, Action: action, Target: run.ID, Detail: raw})
}

func toApproval(approval store.Approval) api.Approval {
	by := approval.By
	if by == nil {
		by = []string{}
	}
	return api.Approval{
		Run: approval.Run, Team: approval.Team, Job: approval.Job, Step: approval.Step, Item: approval.Item,
		By: by, Message: approval.Message, Status: api.ApprovalStatus(approval.Status),
		RequestedAt: approval.RequestedAt, ExpiresAt: approval.ExpiresAt,
		DecidedBy: approval.DecidedBy, DecidedAt: optionalTime(approval.DecidedAt), Comment: approval.Comment,
	}
}
