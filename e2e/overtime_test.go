package e2e_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestGroupTimesOut(t *testing.T) {
	t.Parallel()
	target := newTarget(t, func(n int, w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hangs" {
			hang(n, w, r)
			return
		}
		sendJSON(w, `{}`)
	})
	admin := asAdmin(t)
	admin.publish("pass_timeout")
	ended := admin.finish("pass_timeout", object{"target": target.URL})
	require.Equal(t, "succeeded", ended.Status, "%+v", ended.Error)
	require.JSONEq(t, `{"load": ["eu", null], "why": "timeout", "once": "timed_out"}`, string(ended.Output))
	require.Equal(t, "timed_out", admin.items(ended.ID, "load")["us"].Status)
	require.Equal(t, "succeeded", admin.items(ended.ID, "fetch")["us"].Status, "what has ended stands")
	require.Equal(t, "canceled", admin.items(ended.ID, "settle")["us"].Status)
	require.Equal(t, "canceled", admin.items(ended.ID, "put")["us"].Status)
	steps := admin.steps(ended.ID)
	require.Equal(t, "tolerated", steps["once"].Reason)
	require.Equal(t, "canceled", steps["hangs"].Status)
	require.Equal(t, "canceled", steps["never"].Status)
	require.NotContains(t, requests(target), "/never")
}

func TestCleanupTimesOut(t *testing.T) {
	t.Parallel()
	target := newTarget(t, func(n int, w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodDelete {
			hang(n, w, r)
			return
		}
		sendJSON(w, `{}`)
	})
	admin := asAdmin(t)
	admin.publish("cleanup_timeout")
	well := admin.finish("cleanup_timeout", object{"target": target.URL, "fails": false})
	require.Equal(t, "succeeded", well.Status, "the outcome stands")
	require.Equal(t, "failed", well.Cleanup)
	steps := admin.steps(well.ID)
	require.Equal(t, "canceled", steps["settle"].Status)
	require.Equal(t, "canceled", steps["unlock"].Status)
	require.Equal(t, "POST /first\nPOST /second", requests(target))

	badly := admin.finish("cleanup_timeout", object{"target": target.URL, "fails": true})
	require.Equal(t, "failed", badly.Status)
	require.Equal(t, "enough", badly.Error.Code)
	require.Equal(t, "failed", badly.Cleanup)
	steps = admin.steps(badly.ID)
	require.Equal(t, "canceled", steps["second.compensate"].Status)
	require.Equal(t, "canceled", steps["first.compensate"].Status, "it is not done any more")
	require.Equal(t, "succeeded", steps["first"].Status)
	require.Equal(t, "canceled", steps["unlock"].Status)
	require.NotContains(t, requests(target), "DELETE /first")
}

func TestNobodyDecides(t *testing.T) {
	t.Parallel()
	target := newTarget(t, func(_ int, w http.ResponseWriter, _ *http.Request) { sendJSON(w, `{}`) })
	admin := asAdmin(t)
	admin.publish("approval_timeout")
	ended := admin.finish("approval_timeout", object{"target": target.URL})
	require.Equal(t, "failed", ended.Status)
	require.Equal(t, "approval_timeout", ended.Error.Code)
	require.Equal(t, "last", ended.Error.Step)
	require.JSONEq(t, `{"by": "timeout"}`, target.seen()[0].body)
	steps := admin.steps(ended.ID)
	require.Equal(t, "succeeded", steps["approves"].Status)
	require.Equal(t, "failed", steps["rejects"].Status)
	require.Equal(t, "approval_rejected", steps["rejects"].Error.Code)
	require.Equal(t, "timed_out", steps["fails"].Status)
	require.Equal(t, "tolerated", steps["fails"].Reason)
	var list struct{ Items []pending }
	admin.get("/v1/teams/default/approvals?run="+ended.ID, &list)
	stand := map[string]string{}
	for _, approval := range list.Items {
		stand[approval.Step] = approval.Status + " " + approval.DecidedBy
	}
	require.Equal(t, map[string]string{
		"approves": "approved timeout", "rejects": "rejected timeout", "fails": "timed_out ", "last": "timed_out ",
	}, stand)
	require.Equal(t, http.StatusConflict, admin.post("/v1/runs/"+ended.ID+"/approvals/last", object{"decision": "approved"}).problem().Status)
}

// The run's timeout stands still while a person is waited for, though a call is under way beside.
func TestRunTimeoutWaitsForAPerson(t *testing.T) {
	t.Parallel()
	target := newTarget(t, hang)
	admin := asAdmin(t)
	admin.publish("patience")
	ended := admin.finish("patience", object{"target": target.URL})
	require.Equal(t, "timed_out", ended.Status)
	require.Equal(t, "run_timeout", ended.Error.Code)
	require.GreaterOrEqual(t, ended.EndedAt.Sub(*ended.StartedAt), 2*time.Second)
	steps := admin.steps(ended.ID)
	require.Equal(t, "succeeded", steps["review"].Status)
	require.Equal(t, "canceled", steps["slow"].Status)
	require.Equal(t, "canceled", steps["after"].Status)
}
