package workflows

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/job"
)

// byTimeout is who decided where nobody did in time.
const byTimeout = "timeout"

// approval is a decision that a step waits for.
type approval struct {
	u      *unit
	record activities.ApprovalRecord
	rest   *rest
}

// approve runs a step that waits for a person's decision.
func (u *unit) approve() {
	asked := u.step.Approval
	message, err := u.r.program.Message(u.step.ID, u.scope)
	if err != nil {
		u.fail(job.StatusFailed, expressionFailure(u.step.ID, err))
		return
	}
	now := workflow.Now(u.ctx).UTC()
	a := &approval{u: u, record: activities.ApprovalRecord{
		Step: u.step.ID, Item: u.at.key, By: asked.By, Message: cut(message, maxQuestion),
		Status: activities.ApprovalPending, RequestedAt: now, ExpiresAt: now.Add(asked.Timeout.Std()),
	}}
	u.r.inbox.approvals[u.address()] = a
	u.r.records.approval(a.record)
	u.begin(job.StatusWaiting, 0)
	u.r.clock.hold()
	a.rest = u.rest(asked.Timeout.Std(), func(how restOver) {
		u.r.clock.release()
		a.end(how)
	})
}

// end ends the step as was decided, or as it says for when nobody has.
func (a *approval) end(how restOver) {
	u := a.u
	switch how {
	case restCanceled:
		a.conclude(activities.ApprovalCanceled)
		u.cancel()
		return
	case restElapsed:
		a.expire()
	case restAnswered:
	}
	switch a.record.Status {
	case activities.ApprovalApproved:
		u.give(a.output())
	case activities.ApprovalTimedOut:
		u.fail(job.StatusTimedOut, &job.Failure{
			Code: codeApprovalTimeout, Message: "nobody decided within " + u.step.Approval.Timeout.String(),
		})
	default:
		u.fail(job.StatusFailed, &job.Failure{Code: codeRejected, Message: a.rejection()})
	}
}

// expire decides as the step says for when nobody has in time.
func (a *approval) expire() {
	switch a.u.step.Approval.OnTimeout {
	case job.OnTimeoutApprove:
		a.decision(true, byTimeout, "")
	case job.OnTimeoutReject:
		a.decision(false, byTimeout, "")
	default:
		a.conclude(activities.ApprovalTimedOut)
	}
}

// decide takes a person's decision; it was checked.
func (a *approval) decide(d Decision, now time.Time) activities.ApprovalRecord {
	a.record.DecidedAt = now.UTC()
	a.decision(d.Approved, d.By, d.Comment)
	a.rest.answer()
	return a.record
}

func (a *approval) decision(approved bool, by, comment string) {
	a.record.DecidedBy, a.record.Comment = by, comment
	if a.record.DecidedAt.IsZero() {
		a.record.DecidedAt = workflow.Now(a.u.ctx).UTC()
	}
	if approved {
		a.conclude(activities.ApprovalApproved)
	} else {
		a.conclude(activities.ApprovalRejected)
	}
}

func (a *approval) conclude(status string) {
	a.record.Status = status
	a.u.r.records.approval(a.record)
}

// output is what an approved step gives.
func (a *approval) output() json.RawMessage {
	return encode(map[string]any{
		"decision": a.record.Status, "by": a.record.DecidedBy,
		"at": a.record.DecidedAt.Format(time.RFC3339Nano), "comment": a.record.Comment,
	})
}

func (a *approval) rejection() string {
	message := "rejected by " + a.record.DecidedBy
	if a.record.DecidedBy == byTimeout {
		message = "rejected, since nobody decided within " + a.u.step.Approval.Timeout.String()
	}
	if a.record.Comment != "" {
		message += ": " + activities.OneLine(a.record.Comment, maxComment)
	}
	return message
}

// maxQuestion is how many characters a person is asked at most.
const maxQuestion = 4000

// cut is a text, or what there is room for of it.
func cut(text string, limit int) string {
	if runes := []rune(text); len(runes) > limit {
		return string(runes[:limit]) + "…"
	}
	return text
}

// maxComment is how many characters of a comment a failure's message has.
const maxComment = 200

// check says why a decision can't be taken.
func (a *approval) check(d Decision) error {
	switch a.record.Status {
	case activities.ApprovalPending:
	case activities.ApprovalApproved, activities.ApprovalRejected:
		return refusal(RefusedDecided, "%s by %s before", a.record.Status, a.record.DecidedBy)
	default:
		return refusal(RefusedLate, "the approval %q is over: %s", d.Step, a.record.Status)
	}
	switch {
	case a.u.step.Approval.NotSubmitter && submitted(a.u.r.in.Run, d):
		return refusal(RefusedForbidden, "the one who submitted the run may not decide on %q", d.Step)
	case !mayDecide(a.record.By, d):
		return refusal(RefusedForbidden, "%q is decided by %s", d.Step, strings.Join(a.record.By, ", "))
	}
	return nil
}

// submitted reports whether the decision is by the one who submitted the run.
func submitted(run activities.Run, d Decision) bool { return run.By != "" && is(run.By, d) }

// is reports whether a name is that of who decides: an address where it looks like
// one, since nobody else's word is taken for that, else the subject of the token.
func is(name string, d Decision) bool {
	return name == d.By || strings.Contains(name, "@") && strings.EqualFold(name, d.Email)
}

// mayDecide reports whether a decision is by one of those who may; nobody named is everybody.
func mayDecide(by []string, d Decision) bool {
	return len(by) == 0 || slices.ContainsFunc(by, func(who string) bool {
		if group, ok := strings.CutPrefix(who, "group:"); ok {
			return slices.Contains(d.Groups, group)
		}
		user, ok := strings.CutPrefix(who, "user:")
		return ok && is(user, d)
	})
}
