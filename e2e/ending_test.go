package e2e_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestContinuesAfterAnErrorThatIsExpected(t *testing.T) {
	t.Parallel()
	target := newTarget(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/always":
			w.WriteHeader(http.StatusBadRequest)
		case "/missing":
			w.WriteHeader(http.StatusNotFound)
		default:
			sendJSON(w, `{"rows": 3}`)
		}
	})
	admin := asAdmin(t)
	admin.publish("continues")
	ended := admin.finish("continues", object{"target": target.URL})
	require.Equal(t, "failed", ended.Status)
	require.Equal(t, &failure{Code: "too_few", Message: "only 3 rows", Step: "stops"}, ended.Error)
	steps := admin.steps(ended.ID)
	require.Equal(t, "tolerated", steps["always"].Reason)
	require.Equal(t, "failed", steps["missing"].Status)
	require.Equal(t, "upstream", steps["never"].Reason)
	require.Equal(t, "/after?code=http_status", target.seen()[2].path)
}

func TestRetryRules(t *testing.T) {
	t.Parallel()
	conflicts := 0
	target := newTarget(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/conflict":
			if conflicts++; conflicts < 3 { // this step calls one at a time
				w.WriteHeader(http.StatusConflict)
				return
			}
			sendJSON(w, `{"n": 3}`)
		default:
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	admin := asAdmin(t)
	admin.publish("retry_rules")
	ended := admin.finish("retry_rules", object{"target": target.URL})
	require.Equal(t, "succeeded", ended.Status, "%+v", ended.Error)
	require.JSONEq(t, `{"n": 3, "gone": 503, "late": "failed"}`, string(ended.Output))
	steps := admin.steps(ended.ID)
	require.Equal(t, 3, steps["conflict"].Attempts)
	require.Equal(t, 1, steps["gone"].Attempts)
	require.Less(t, steps["late"].Attempts, 4)
}

// undone answers as services that take and give back; refuse are the paths that fail.
func undone(refuse ...string) func(int, http.ResponseWriter, *http.Request) {
	return func(_ int, w http.ResponseWriter, r *http.Request) {
		if slices.Contains(refuse, r.Method+" "+r.URL.Path) {
			w.WriteHeader(http.StatusConflict)
			return
		}
		sendJSON(w, `{"id": 7}`)
	}
}

func requests(target *target) string {
	var lines []string
	for _, call := range target.seen() {
		lines = append(lines, call.method+" "+call.path)
	}
	return strings.Join(lines, "\n")
}

func TestFailureIsUndoneInReverse(t *testing.T) {
	t.Parallel()
	target := newTarget(t, undone("POST /pay", "DELETE /book/two"))
	admin := asAdmin(t)
	admin.publish("undoes")
	ended := admin.finish("undoes", object{"target": target.URL})
	require.Equal(t, "failed", ended.Status)
	require.Equal(t, "pay", ended.Error.Step, "what fails in cleaning up is not the cause")
	require.Equal(t, "failed", ended.Cleanup)
	require.Equal(t, `POST /stage
POST /book/one
POST /book/two
POST /book/three
POST /pay
DELETE /book/three
DELETE /book/two
DELETE /book/one
DELETE /stage/7
DELETE /lock/failed
POST /note`, requests(target))
	steps := admin.steps(ended.ID)
	require.Equal(t, "compensated", steps["stage"].Status)
	require.Equal(t, "succeeded", steps["stage.compensate"].Status)
	require.Equal(t, "failed", steps["book.compensate"].Status)
	items := admin.items(ended.ID, "book")
	require.Equal(t, "compensated", items["one"].Status)
	require.Equal(t, "succeeded", items["two"].Status, "it could not be undone")
	require.Equal(t, "failed", admin.items(ended.ID, "book.compensate")["two"].Status)
	require.Contains(t, messages(admin.log(ended.ID), "book.compensate"), "409")
	var note struct{ Why, Unlocked string }
	calls := target.seen()
	require.NoError(t, json.Unmarshal([]byte(calls[len(calls)-1].body), &note))
	require.Equal(t, "succeeded", note.Unlocked)
	require.Contains(t, note.Why, "409")
}

func TestSuccessIsNotUndone(t *testing.T) {
	t.Parallel()
	target := newTarget(t, undone("DELETE /lock/succeeded"))
	admin := asAdmin(t)
	admin.publish("undoes")
	ended := admin.finish("undoes", object{"target": target.URL})
	require.Equal(t, "succeeded", ended.Status, "%+v", ended.Error)
	require.Equal(t, "failed", ended.Cleanup, "a step of `finally` failed")
	require.NotContains(t, requests(target), "DELETE /book")
	require.Contains(t, target.seen()[6].body, `"unlocked":"failed"`, "the rest of `finally` goes on")
}

func TestCanceledRunIsUndone(t *testing.T) {
	t.Parallel()
	target := newTarget(t, func(n int, w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/pay" {
			hang(n, w, r)
			return
		}
		sendJSON(w, `{"id": 7}`)
	})
	admin := asAdmin(t)
	admin.publish("undoes")
	id := admin.submit("undoes", object{"target": target.URL}).ID
	require.Eventually(t, func() bool { return strings.Contains(requests(target), "POST /pay") }, time.Minute, 20*time.Millisecond)
	require.Equal(t, http.StatusAccepted, admin.post("/v1/runs/"+id+"/cancel", object{"reason": "wrong day"}).status)
	ended := admin.ended(id)
	require.Equal(t, "canceled", ended.Status)
	require.Equal(t, "succeeded", ended.Cleanup)
	require.Contains(t, requests(target), "DELETE /book/one\nDELETE /stage/7\nDELETE /lock/canceled")
	require.Equal(t, http.StatusConflict, admin.post("/v1/runs/"+id+"/cancel", object{}).problem().Status)
}

func TestParentAndChildren(t *testing.T) {
	t.Parallel()
	target := newTarget(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/bill/missing" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		sendJSON(w, `{"total": 12}`)
	})
	admin := asAdmin(t)
	admin.publish("child")
	admin.publish("parent")
	ended := admin.finish("parent", object{"target": target.URL})
	require.Equal(t, "succeeded", ended.Status, "%+v", ended.Error)
	require.JSONEq(t, `{"tenants": [12, 12], "aside": "queued", "fails": "child_failed", "why": "http_status"}`, string(ended.Output))
	var list struct{ Items []run }
	admin.get("/v1/teams/default/runs?parent="+ended.ID, &list)
	require.Len(t, list.Items, 4)
	for _, child := range list.Items {
		require.Equal(t, "job", child.Trigger.Kind)
		require.Equal(t, "ana", child.Trigger.By)
		admin.ended(child.ID)
	}
}

func TestVariablesAreThoseOfTheSubmit(t *testing.T) {
	t.Parallel()
	target := newTarget(t, func(_ int, w http.ResponseWriter, _ *http.Request) { sendJSON(w, `{}`) })
	admin := asAdmin(t)
	put := func(name string, value any, condition ...string) reply {
		raw, err := json.Marshal(object{"value": value})
		require.NoError(t, err)
		return admin.send(http.MethodPut, "/v1/teams/default/variables/"+name, raw, append([]string{"Content-Type", "application/json"}, condition...)...)
	}
	source, err := cases.ReadFile("variables/job.yaml")
	require.NoError(t, err)
	refused := admin.put("variables", source).problem()
	require.Equal(t, http.StatusUnprocessableEntity, refused.Status)
	require.Len(t, refused.Errors, 3, "%+v", refused.Errors)
	require.Contains(t, refused.Errors[0].Message, "e2e_region")

	made := put("e2e_region", "eu-west-1", "If-None-Match", "*")
	require.Equal(t, http.StatusCreated, made.status, "%s", made.body)
	require.Equal(t, http.StatusCreated, put("e2e_limits", object{"rows": 3}, "If-None-Match", "*").status)
	admin.publish("variables")
	id := admin.submit("variables", object{"target": target.URL}).ID
	require.Equal(t, http.StatusPreconditionRequired, put("e2e_region", "us-east-1").problem().Status)
	changed := put("e2e_region", "us-east-1", "If-Match", made.header.Get("ETag"))
	require.Equal(t, http.StatusOK, changed.status, "%s", changed.body)
	require.Equal(t, http.StatusPreconditionFailed, put("e2e_region", "x", "If-Match", made.header.Get("ETag")).problem().Status)
	ended := admin.ended(id)
	require.Equal(t, "succeeded", ended.Status, "%+v", ended.Error)
	require.JSONEq(t, `4`, string(ended.Output))
	require.Equal(t, "/limit/3", target.seen()[0].path)
	require.Equal(t, "eu-west-1", target.seen()[0].header.Get("X-Region"))
}
