package e2e_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/devstack"
)

func TestPollCallsUntilItIsDone(t *testing.T) {
	t.Parallel()
	target := newTarget(t, func(n int, w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/broken":
			sendJSON(w, `{"state": "BROKEN"}`)
		case r.URL.Path == "/slow", n < 3:
			sendJSON(w, `{"state": "RUNNING"}`)
		case n == 3: // one failed call is one attempt, and the poll goes on
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			sendJSON(w, `{"state": "READY", "file": "s3://exports/1"}`)
		}
	})
	admin := asAdmin(t)
	admin.publish("polls")
	ended := admin.finish("polls", object{"target": target.URL})
	require.Equal(t, "succeeded", ended.Status, "%+v", ended.Error)
	require.JSONEq(t, `{"file": "s3://exports/1", "broken": "poll_failed", "slow": "poll_timeout", "is": "timed_out"}`, string(ended.Output))
	steps := admin.steps(ended.ID)
	require.Equal(t, 2, steps["export"].Attempts, "what is not yet ready spends none")
	require.Equal(t, "tolerated", steps["slow"].Reason)
	tokens := map[string]bool{}
	for _, call := range target.seen()[:4] {
		require.Equal(t, "/export", call.path)
		tokens[call.header.Get("Idempotency-Key")] = true
	}
	require.Len(t, tokens, 1)
	require.Contains(t, messages(admin.log(ended.ID), "export"), "not yet")
}

func TestWaits(t *testing.T) {
	t.Parallel()
	admin := asAdmin(t)
	admin.publish("waits")
	ended := admin.finish("waits", object{"at": "2020-01-05T00:00:00Z"})
	require.Equal(t, "succeeded", ended.Status, "%+v", ended.Error)
	require.JSONEq(t, `{"pause": "succeeded", "past": "succeeded", "soon": "succeeded"}`, string(ended.Output))
	require.GreaterOrEqual(t, ended.EndedAt.Sub(*ended.StartedAt), 300*time.Millisecond)
}

// answerTo is the path of the URL that a run has sent to its target, once it has.
func answerTo(t *testing.T, target *target) string {
	t.Helper()
	require.Eventually(t, func() bool { return len(target.seen()) > 0 }, time.Minute, 20*time.Millisecond)
	var asked struct{ AnswerTo string }
	require.NoError(t, json.Unmarshal([]byte(target.seen()[0].body), &asked))
	address, err := url.Parse(asked.AnswerTo)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(asked.AnswerTo, world.Config().PublicURL+"/v1/callbacks/"), asked.AnswerTo)
	return address.Path
}

func TestCallbackEndsTheWait(t *testing.T) {
	t.Parallel()
	held := make(chan struct{})
	target := newTarget(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
		<-held // the callback comes before the step waits for it
		sendJSON(w, `{}`)
	})
	admin := asAdmin(t)
	admin.publish("callback")
	id := admin.submit("callback", object{"target": target.URL}).ID
	nobody := &caller{t: t, team: "default"} // the URL is all that a caller needs
	path := answerTo(t, target)

	forged := path[:len(path)-6] + "AAAAAA"
	require.Equal(t, http.StatusNotFound, nobody.post(forged, object{"rows": 1}).problem().Status)
	require.Equal(t, http.StatusAccepted, nobody.post(path, object{"rows": 42}).status)
	require.Equal(t, http.StatusAccepted, nobody.post(path, object{"rows": 42}).status, "the same again is no other")
	require.Equal(t, http.StatusConflict, nobody.post(path, object{"rows": 43}).problem().Status)
	close(held)

	ended := admin.ended(id)
	require.Equal(t, "succeeded", ended.Status, "%+v", ended.Error)
	firstRuns.Store("callback-answered", id)
	require.JSONEq(t, `{"rows": 42, "lapsed": "skipped"}`, string(ended.Output))
	require.Contains(t, []int{http.StatusConflict, http.StatusGone}, nobody.post(path, object{"rows": 44}).problem().Status)
	log, err := json.Marshal(admin.log(id))
	require.NoError(t, err)
	require.NotContains(t, string(log), strings.TrimPrefix(path, "/v1/callbacks/"), "the URL is a secret")
}

func TestCallbackThatNeverComes(t *testing.T) {
	t.Parallel()
	target := newTarget(t, func(_ int, w http.ResponseWriter, _ *http.Request) { sendJSON(w, `{}`) })
	admin := asAdmin(t)
	admin.publish("callback")
	ended := admin.finish("callback", object{"target": target.URL, "patience": false})
	require.Equal(t, "succeeded", ended.Status, "%+v", ended.Error)
	require.JSONEq(t, `{"rows": 0, "lapsed": "timed_out"}`, string(ended.Output))
	require.Equal(t, "callback_timeout", admin.steps(ended.ID)["lapsed"].Error.Code)
	answer := admin.post(answerTo(t, target), object{"rows": 1})
	require.Equal(t, http.StatusGone, answer.problem().Status)
}

// pending is the approval that a run waits for.
type pending struct {
	Run, Step, Item, Status, Message string
	By                               []string
	DecidedBy, Comment               string
}

func waitingFor(t *testing.T, admin *caller, id string) pending {
	t.Helper()
	var list struct{ Items []pending }
	require.Eventually(t, func() bool {
		admin.get("/v1/teams/default/approvals?status=pending&run="+id, &list)
		return len(list.Items) == 1
	}, time.Minute, 50*time.Millisecond)
	var now run
	require.Eventually(t, func() bool {
		admin.get("/v1/runs/"+id, &now)
		return now.Status == "waiting"
	}, time.Minute, 50*time.Millisecond)
	return list.Items[0]
}

func TestApproval(t *testing.T) {
	t.Parallel()
	target := newTarget(t, func(_ int, w http.ResponseWriter, _ *http.Request) { sendJSON(w, `{}`) })
	admin := asAdmin(t)
	admin.publish("approval")
	lead := as(t, devstack.Claims{Subject: "lea", Email: "lea@example.com", Groups: []string{"finance_leads"}, Role: "approver"})
	id := admin.submit("approval", object{"target": target.URL}).ID
	asked := waitingFor(t, admin, id)
	require.Equal(t, "Publish 3 rows?", asked.Message)
	require.Equal(t, []string{"group:finance_leads"}, asked.By)
	path := "/v1/runs/" + id + "/approvals/review"

	require.Equal(t, http.StatusForbidden, admin.post(path, object{"decision": "approved"}).problem().Status, "not in the group")
	viewer := as(t, devstack.Claims{Subject: "vic", Groups: []string{"finance_leads"}, Role: "viewer"})
	require.Equal(t, http.StatusForbidden, viewer.post(path, object{"decision": "approved"}).problem().Status)
	self := as(t, devstack.Claims{Subject: "ana", Groups: []string{"finance_leads"}, Role: "admin"})
	require.Equal(t, http.StatusForbidden, self.post(path, object{"decision": "approved"}).problem().Status, "who submitted the run may not")
	require.Equal(t, http.StatusNotFound, lead.post("/v1/runs/"+id+"/approvals/publish", object{"decision": "approved"}).problem().Status)

	var decided pending
	lead.post(path, object{"decision": "approved", "comment": "go"}).into(http.StatusOK, &decided)
	require.Equal(t, "approved", decided.Status)
	require.Equal(t, "lea", decided.DecidedBy)
	require.Equal(t, http.StatusOK, lead.post(path, object{"decision": "approved", "comment": "go"}).status, "said again")
	require.Equal(t, http.StatusConflict, lead.post(path, object{"decision": "rejected"}).problem().Status)
	ended := admin.ended(id)
	require.Equal(t, "succeeded", ended.Status, "%+v", ended.Error)
	calls := target.seen()
	require.Len(t, calls, 2)
	require.JSONEq(t, `{"by": "lea"}`, calls[0].body)
	require.JSONEq(t, `{"outcome": "succeeded", "code": ""}`, calls[1].body)
	require.Equal(t, http.StatusConflict, lead.post(path, object{"decision": "rejected"}).problem().Status, "the run is over")
}

func TestRejection(t *testing.T) {
	t.Parallel()
	target := newTarget(t, func(_ int, w http.ResponseWriter, _ *http.Request) { sendJSON(w, `{}`) })
	admin := asAdmin(t)
	admin.publish("approval")
	lead := as(t, devstack.Claims{Subject: "lea", Groups: []string{"finance_leads"}, Role: "approver"})
	id := admin.submit("approval", object{"target": target.URL}).ID
	waitingFor(t, admin, id)
	lead.post("/v1/runs/"+id+"/approvals/review", object{"decision": "rejected", "comment": "too few"}).into(http.StatusOK, &pending{})
	ended := admin.ended(id)
	require.Equal(t, "failed", ended.Status)
	require.Equal(t, "approval_rejected", ended.Error.Code)
	require.Contains(t, ended.Error.Message, "too few")
	require.Equal(t, "upstream", admin.steps(id)["publish"].Reason)
	require.Len(t, target.seen(), 1)
	require.JSONEq(t, `{"outcome": "failed", "code": "approval_rejected"}`, target.seen()[0].body)
}

func TestCanceledWhileAPersonIsWaitedFor(t *testing.T) {
	t.Parallel()
	target := newTarget(t, func(_ int, w http.ResponseWriter, _ *http.Request) { sendJSON(w, `{}`) })
	admin := asAdmin(t)
	admin.publish("approval")
	id := admin.submit("approval", object{"target": target.URL}).ID
	waitingFor(t, admin, id)
	require.Equal(t, http.StatusAccepted, admin.post("/v1/runs/"+id+"/cancel", object{}).status)
	require.Equal(t, "canceled", admin.ended(id).Status)
	require.JSONEq(t, `{"outcome": "canceled", "code": "canceled"}`, target.seen()[0].body, "finally runs")
	var list struct{ Items []pending }
	admin.get("/v1/teams/default/approvals?status=pending&run="+id, &list)
	require.Empty(t, list.Items)
	lead := as(t, devstack.Claims{Subject: "lea", Groups: []string{"finance_leads"}, Role: "approver"})
	require.Equal(t, http.StatusConflict, lead.post("/v1/runs/"+id+"/approvals/review", object{"decision": "approved"}).problem().Status)
}
