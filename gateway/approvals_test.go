package gateway_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/gateway/api"
	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/store"
	"github.com/fairlead/fairlead/workflows"
)

func asked(run, step, item, status string) store.Approval {
	return store.Approval{Run: run, Team: "default", Job: "orders", ApprovalRecord: store.ApprovalRecord{
		Step: step, Item: item, By: []string{"group:leads"}, Message: "Publish?", Status: status,
		RequestedAt: someTime, ExpiresAt: someTime.Add(time.Hour),
	}}
}

func (w *world) decide(step, body string) *httptest.ResponseRecorder {
	w.t.Helper()
	return w.do(request{
		method: http.MethodPost, path: "/v1/runs/" + runID + "/approvals/" + step, body: body, role: "approver",
		header: map[string]string{"Content-Type": "application/json"},
	})
}

func TestListApprovals(t *testing.T) {
	t.Parallel()
	w := setup(t)
	decided := asked(runID, "fetch", "", "approved")
	decided.By, decided.DecidedBy, decided.DecidedAt, decided.Comment = nil, "bo", someTime, "fine"
	w.memory.ask(asked(runID, "tell", "eu", "pending"), decided)
	answer := w.do(request{path: "/v1/teams/default/approvals?status=pending&status=approved&run=" + runID + "&limit=7&cursor=abc", role: "viewer"})
	require.Equal(t, http.StatusOK, answer.Code, answer.Body.String())
	golden(t, "approvals", describe(t, answer.Code, answer.Header(), answer.Body.Bytes()))
	require.Equal(t, 7, w.memory.limit)
	require.Equal(t, "abc", w.memory.cursor)
	answer = w.do(request{path: "/v1/teams/default/approvals?status=pending"})
	require.Len(t, decode[api.ApprovalList](t, answer.Body.Bytes()).Items, 1)
	require.Equal(t, http.StatusBadRequest, w.do(request{path: "/v1/teams/default/approvals?status=soon"}).Code)
}

func TestDecide(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.memory.ask(asked(runID, "tell", "eu", "pending"))
	answer := w.decide("tell", `{"decision": "rejected", "comment": "not today", "item": "eu"}`)
	require.Equal(t, http.StatusOK, answer.Code, answer.Body.String())
	got := decode[api.Approval](t, answer.Body.Bytes())
	require.Equal(t, []string{runID, "default", "orders", "tell", "eu", "rejected", "ana", "not today"},
		[]string{got.Run, got.Team, got.Job, got.Step, got.Item, string(got.Status), got.DecidedBy, got.Comment})
	require.Equal(t, []any{workflows.Decision{
		Step: "tell", Item: "eu", Comment: "not today", By: "ana", Email: "ana@example.com",
	}}, w.flows.all())
	require.Empty(t, w.memory.noted(), "the run's record of it is the audit entry too")
}

// A decision may come before the row that says that it is asked for.
func TestDecideBeforeTheRow(t *testing.T) {
	t.Parallel()
	w := setup(t)
	require.Equal(t, http.StatusOK, w.decide("tell", `{"decision": "approved"}`).Code)
	require.Len(t, w.flows.all(), 1)
	require.Equal(t, api.CodeNotFound, problemOf(t, w.decide("tel", `{"decision": "approved"}`)).Code)
	require.Len(t, w.flows.all(), 1, "a name that is none is no question to the run")
}

func TestDecideAgain(t *testing.T) {
	t.Parallel()
	w := setup(t)
	mine, theirs, late := asked(runID, "tell", "", "approved"), asked(runID, "tell", "eu", "approved"), asked(runID, "tell", "us", "timed_out")
	mine.DecidedBy, theirs.DecidedBy = "ana", "bo"
	w.memory.ask(mine, theirs, late, asked(runID, "fetch", "", "pending"))
	w.memory.end(job.StatusSucceeded, "{}")
	for body, want := range map[string]int{
		`{"decision": "approved"}`:               http.StatusOK, // the same answer, also when the run has ended
		`{"decision": "rejected"}`:               http.StatusConflict,
		`{"decision": "approved", "item": "eu"}`: http.StatusConflict,
		`{"decision": "approved", "item": "us"}`: http.StatusConflict,
		`{"decision": "approved", "item": "fr"}`: http.StatusConflict,
	} {
		answer := w.decide("tell", body)
		require.Equal(t, want, answer.Code, "%s: %s", body, answer.Body)
	}
	require.Equal(t, http.StatusConflict, w.decide("fetch", `{"decision": "approved"}`).Code)
	require.Empty(t, w.flows.all())
	require.Empty(t, w.memory.noted())
}

func TestDecideRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body string
		err  error
		want api.ProblemCode
	}{
		"no body":          {"", nil, api.CodeMalformed},
		"another word":     {`{"decision": "maybe"}`, nil, api.CodeInvalidInput},
		"an unknown key":   {`{"decision": "approved", "by": "bo"}`, nil, api.CodeInvalidInput},
		"not asked":        {`{"decision": "approved"}`, job.Errorf(job.CodeForbidden, "group leads decides"), api.CodeForbidden},
		"decided before":   {`{"decision": "approved"}`, job.Errorf(job.CodeConflict, "by bo"), api.CodeConflict},
		"no approval":      {`{"decision": "approved"}`, job.Errorf(job.CodeNotFound, "none"), api.CodeNotFound},
		"no worker":        {`{"decision": "approved"}`, job.Errorf(job.CodeUnavailable, "try again"), api.CodeUnavailable},
		"about to end":     {`{"decision": "approved"}`, job.Errorf(job.CodeGone, "ended"), api.CodeUnavailable},
		"a defect of ours": {`{"decision": "approved"}`, job.Errorf(job.CodeInternal, "secret"), api.CodeInternal},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			w.memory.ask(asked(runID, "tell", "", "pending"))
			w.flows.err = c.err
			require.Equal(t, c.want, problemOf(t, w.decide("tell", c.body)).Code)
			require.Empty(t, w.memory.noted(), "nothing was done")
		})
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	w := setup(t)
	answer := w.do(request{
		method: http.MethodPost, path: "/v1/runs/" + runID + "/cancel", body: `{"reason": "wrong day"}`, role: "operator",
		header: map[string]string{"Content-Type": "application/json"},
	})
	require.Equal(t, http.StatusAccepted, answer.Code, answer.Body.String())
	require.Equal(t, runID, decode[api.Run](t, answer.Body.Bytes()).Id)
	require.Equal(t, http.StatusAccepted, w.do(request{method: http.MethodPost, path: "/v1/runs/" + runID + "/cancel"}).Code, "again is harmless")
	require.Equal(t, []any{"cancel " + runID, "cancel " + runID}, w.flows.all())
	require.Equal(t, []string{`ana run.cancel ` + runID + ` {"reason":"wrong day"}`, `ana run.cancel ` + runID + ` {"reason":""}`}, w.memory.noted())

	w.flows.err = job.Errorf(job.CodeGone, "no workflow")
	require.Equal(t, api.CodeUnavailable, problemOf(t, w.do(request{method: http.MethodPost, path: "/v1/runs/" + runID + "/cancel"})).Code)
	w.memory.end(job.StatusFailed, "null")
	require.Equal(t, api.CodeConflict, problemOf(t, w.do(request{method: http.MethodPost, path: "/v1/runs/" + runID + "/cancel"})).Code)
	require.Len(t, w.flows.all(), 3, "an ended run is asked nothing")
}

// Who waits for a run's end doesn't wait for a person.
func TestSubmitWaitsForNobody(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.starter.then = func() { w.memory.ask(asked(w.starter.started[0], "tell", "", "pending")) }
	began := time.Now()
	answer := w.submit(goodInput, map[string]string{"Prefer": "wait=60"})
	require.Equal(t, http.StatusAccepted, answer.Code, answer.Body.String())
	require.Equal(t, "wait=60", answer.Header().Get("Preference-Applied"))
	require.Less(t, time.Since(began), 30*time.Second)
}
