package workflows_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/workflows"
)

// asks is a job that asks in a way, then calls.
func asks(approval string) string {
	return `
apiVersion: fairlead/v1
name: asks
timeout: 3h
steps:
  - {id: review, approval: {message: "Publish ${run.id}?", ` + approval + `}}
  - {id: after, uses: http, with: {url: "https://a.example", json: "${steps.review}"}}
output: "${steps.review.output}"
finally: [{id: linger, wait: {for: 1h}}]
cleanupTimeout: 2h
`
}

// decides sends a decision when the run has gone on for that long.
func (b *bench) decides(after time.Duration, id string, d workflows.Decision) *answer {
	if d.Step == "" {
		d.Step = "review"
	}
	return b.send(after, workflows.UpdateDecide, id, d)
}

func TestApprovalIsGiven(t *testing.T) {
	t.Parallel()
	b := setup(t)
	given := b.decides(10*time.Hour, "1", workflows.Decision{Approved: true, By: "bob", Comment: "fine", Groups: []string{"leads"}})
	start := b.Now().UTC()
	last := b.run(asks(`by: ["group:leads", "user:eve@example.com"], timeout: 20h`), `{}`)
	require.NoError(t, given.err)
	require.Equal(t, job.StatusSucceeded, last.Status, "the run's timeout stands still")
	var output struct{ Decision, By, At, Comment string }
	require.NoError(t, json.Unmarshal(last.Output, &output))
	at, err := time.Parse(time.RFC3339, output.At)
	require.NoError(t, err)
	require.Equal(t, 10*time.Hour, at.Sub(start).Round(time.Second))
	output.At = ""
	require.Equal(t, struct{ Decision, By, At, Comment string }{"approved", "bob", "", "fine"}, output)

	record := given.result.(activities.ApprovalRecord)
	require.Equal(t, activities.ApprovalApproved, record.Status)
	require.Equal(t, b.approvals()["review"], record)
	require.Equal(t, "bob", record.DecidedBy)
	require.Equal(t, []string{"group:leads", "user:eve@example.com"}, record.By)
	require.Equal(t, "Publish run_1?", record.Message)
	require.Equal(t, 20*time.Hour, record.ExpiresAt.Sub(record.RequestedAt))
	require.Equal(t, activities.ApprovalPending, b.records[0].Approvals[0].Status)
	require.Equal(t, job.StatusWaiting, b.records[0].Status)
	require.Equal(t, job.StatusWaiting, b.records[0].Steps[0].Status)
}

func TestApprovalIsRejected(t *testing.T) {
	t.Parallel()
	b := setup(t)
	given := b.decides(time.Hour, "1", workflows.Decision{By: "bob", Comment: "not\nyet"})
	last := b.run(asks("timeout: 20h"), `{}`)
	require.NoError(t, given.err)
	require.Equal(t, &job.Failure{Code: "approval_rejected", Message: "rejected by bob: not", Step: "review"}, last.Error)
	require.Equal(t, activities.ApprovalRejected, b.approvals()["review"].Status)
	require.Equal(t, job.ReasonUpstream, b.steps()["after"].Reason)
}

func TestApprovalThatNobodyDecides(t *testing.T) {
	t.Parallel()
	for onTimeout, want := range map[string]struct {
		step     job.Status
		code     string
		approval string
		by       string
	}{
		"approve": {job.StatusSucceeded, "", activities.ApprovalApproved, "timeout"},
		"reject":  {job.StatusFailed, "approval_rejected", activities.ApprovalRejected, "timeout"},
		"fail":    {job.StatusTimedOut, "approval_timeout", activities.ApprovalTimedOut, ""},
	} {
		t.Run(onTimeout, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			late := b.decides(20*time.Hour+time.Minute, "1", workflows.Decision{Approved: true, By: "bob"})
			last := b.run(asks("timeout: 20h, onTimeout: "+onTimeout), `{}`)
			require.Equal(t, want.step, b.steps()["review"].Status)
			if want.code != "" {
				require.Equal(t, want.code, last.Error.Code)
				require.Contains(t, last.Error.Message, "nobody decided within 20h")
			}
			require.Equal(t, want.approval, b.approvals()["review"].Status)
			require.Equal(t, want.by, b.approvals()["review"].DecidedBy)
			require.Contains(t, []string{workflows.RefusedDecided, workflows.RefusedLate}, late.refused(t))
		})
	}
}

func TestApprovalIsRefusedToOthers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	other := b.decides(time.Minute, "1", workflows.Decision{Approved: true, By: "eve", Email: "eve@example.com", Groups: []string{"ops"}})
	submitter := b.decides(2*time.Minute, "2", workflows.Decision{Approved: true, By: "ana", Groups: []string{"leads"}})
	mail := b.decides(3*time.Minute, "3", workflows.Decision{Approved: true, By: "u-7", Email: "Bob@Example.com"})
	last := b.run(asks(`by: ["group:leads", "user:bob@example.com"], notSubmitter: true`), `{}`)
	require.Equal(t, workflows.RefusedForbidden, other.refused(t))
	require.Equal(t, workflows.RefusedForbidden, submitter.refused(t), "even though she is in the group")
	require.NoError(t, mail.err)
	require.Equal(t, job.StatusSucceeded, last.Status)
	require.Equal(t, "u-7", b.approvals()["review"].DecidedBy)
}

func TestApprovalTakesTheFirstDecision(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := b.decides(time.Minute, "1", workflows.Decision{Approved: true, By: "bob"})
	second := b.decides(time.Minute, "2", workflows.Decision{By: "eve"})
	again := b.decides(2*time.Minute, "1", workflows.Decision{Approved: true, By: "bob"})
	last := b.run(asks("timeout: 20h"), `{}`)
	require.NoError(t, first.err)
	require.NoError(t, again.err)
	require.Equal(t, first.result, again.result, "the same update has the same answer")
	require.Equal(t, workflows.RefusedDecided, second.refused(t))
	require.Equal(t, job.StatusSucceeded, last.Status)
	require.Equal(t, "bob", b.approvals()["review"].DecidedBy)
}

func TestApprovalThatIsNotAskedFor(t *testing.T) {
	t.Parallel()
	b := setup(t)
	early := b.decides(time.Minute, "1", workflows.Decision{Approved: true, By: "bob"})
	unknown := b.decides(time.Minute, "2", workflows.Decision{Step: "before", Approved: true, By: "bob"})
	item := b.decides(time.Minute, "3", workflows.Decision{Item: "eu", Approved: true, By: "bob"})
	ended := b.decides(7*time.Hour, "4", workflows.Decision{Step: "never", Approved: true, By: "bob"})
	last := b.run(`
apiVersion: fairlead/v1
name: later
steps:
  - {id: before, wait: {for: 1h}}
  - {id: review, approval: {timeout: 5h, onTimeout: approve}}
  - {id: never, if: "${run.id == ''}", approval: {}}
  - {id: after, wait: {for: 2h}}
`, `{}`)
	require.Equal(t, job.StatusSucceeded, last.Status)
	require.Equal(t, workflows.RefusedEarly, early.refused(t))
	require.Equal(t, workflows.RefusedUnknown, unknown.refused(t))
	require.Equal(t, workflows.RefusedUnknown, item.refused(t))
	require.Equal(t, workflows.RefusedLate, ended.refused(t))
}

func TestApprovalIsCanceled(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.RegisterDelayedCallback(b.CancelWorkflow, time.Hour)
	late := b.decides(90*time.Minute, "1", workflows.Decision{Approved: true, By: "bob"})
	last := b.run(asks("timeout: 20h"), `{}`)
	require.Equal(t, job.StatusCanceled, last.Status)
	require.Equal(t, activities.ApprovalCanceled, b.approvals()["review"].Status)
	require.Equal(t, workflows.RefusedLate, late.refused(t))
}

// The run's timeout goes on with what was left of it when the last of two approvals ends.
func TestApprovalStopsTheClock(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.decides(11*time.Hour, "1", workflows.Decision{Step: "one", Approved: true, By: "bob"})
	b.decides(21*time.Hour, "2", workflows.Decision{Step: "two", Approved: true, By: "bob"})
	last := b.run(`
apiVersion: fairlead/v1
name: clock
timeout: 3h
steps:
  - {id: before, wait: {for: 1h}}
  - {id: one, approval: {}}
  - {id: two, needs: [before], approval: {}}
  - {id: after, needs: [one, two], wait: {for: 5h}}
`, `{}`)
	require.Equal(t, job.StatusTimedOut, last.Status)
	require.Equal(t, "run_timeout", last.Error.Code)
	require.Equal(t, 23*time.Hour, last.EndedAt.Sub(last.StartedAt).Round(time.Second))
}

func TestApprovalsOfItems(t *testing.T) {
	t.Parallel()
	b := setup(t)
	us := b.decides(time.Minute, "1", workflows.Decision{Item: "us", By: "bob"})
	eu := b.decides(2*time.Minute, "2", workflows.Decision{Item: "eu", Approved: true, By: "bob"})
	last := b.run(`
apiVersion: fairlead/v1
name: regions
steps:
  - id: review
    foreach: {in: [eu, us], as: region, key: "${region}", tolerate: 1}
    approval: {message: "${region}?"}
    output: "${output.decision + ' ' + region}"
output: "${steps.review.output}"
`, `{}`)
	require.NoError(t, us.err)
	require.NoError(t, eu.err)
	require.JSONEq(t, `["approved eu", null]`, string(last.Output))
	require.Equal(t, "us?", b.approvals()["review/us"].Message)
	require.Equal(t, activities.ApprovalRejected, b.approvals()["review/us"].Status)
	require.Equal(t, "us", b.items("review")["us"].Error.Item)
}
