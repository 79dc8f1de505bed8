package cli_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/cli"
)

func anApproval(step, item string) object {
	approval := object{
		"run": "run_1", "team": "default", "job": "nightly", "step": step, "by": []string{"group:leads"}, "message": "Publish?",
		"status": "pending", "requestedAt": "2026-11-20T09:00:00Z", "expiresAt": "2026-11-20T11:00:00Z",
	}
	if item != "" {
		approval["item"] = item
	}
	return approval
}

// waitingRun are the routes of a run that waits for people, a callback and a time.
func waitingRun() map[string]http.HandlerFunc {
	run := aRun("waiting")
	delete(run, "endedAt")
	run["cleanup"] = "failed"
	run["trigger"] = object{"kind": "job", "by": "ana", "parent": "run_0"}
	return map[string]http.HandlerFunc{
		"GET /v1/runs/run_1": reply(http.StatusOK, run),
		"GET /v1/runs/run_1/steps": reply(http.StatusOK, object{"items": []object{
			{"id": "load", "status": "failed", "reason": "tolerated", "attempts": 0, "items": object{"total": 10, "succeeded": 7, "failed": 3}},
			{"id": "undo", "status": "compensated", "attempts": 1},
			{"id": "count", "status": "running", "attempts": 0, "items": object{"total": 4, "succeeded": 1, "failed": 0}},
			{"id": "review", "status": "waiting", "attempts": 0},
			{"id": "ready", "status": "waiting", "attempts": 0},
			{"id": "pause", "status": "waiting", "attempts": 0},
		}}),
		"GET /v1/teams/default/approvals": func(w http.ResponseWriter, r *http.Request) {
			if query := r.URL.Query(); query.Get("run") != "run_1" || query.Get("status") != "pending" {
				write(w, http.StatusBadRequest, object{"code": "malformed", "detail": r.URL.RawQuery})
				return
			}
			write(w, http.StatusOK, object{"items": []object{anApproval("review", "it's eu")}})
		},
		"GET /v1/teams/default/jobs/nightly": reply(http.StatusOK, object{"name": "nightly", "definition": object{
			"steps":   []object{{"id": "review", "approval": object{}}, {"id": "group", "steps": []object{{"id": "ready", "wait": object{"callback": object{}}}}}},
			"finally": []object{{"id": "pause", "wait": object{"for": "10m"}}},
		}}),
		"GET /v1/runs/run_1/logs": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = fmt.Fprint(w, "event: log\ndata: {\"msg\":\"asked\",\"step\":\"s\"}\n\nevent: waiting\ndata: {\"run\":\"run_1\",\"status\":\"waiting\"}\n\n")
		},
	}
}

const howToDecide = `step review[it's eu] waits for a decision by group:leads, until 2026-11-20T11:00:00Z: Publish?
  fairlead approve run_1 review --item 'it'\''s eu'   (or fairlead reject …; -m TEXT says why)
step ready waits for a callback, at most 24h
step pause waits for 10m
`

func TestGetTellsWhatARunWaitsFor(t *testing.T) {
	t.Parallel()
	sh := setup(t, waitingRun())
	require.Equal(t, cli.ExitSucceeded, sh.run("get", "run_1"), sh.stderr.String())
	out := sh.stdout.String()
	require.Contains(t, out, howToDecide)
	require.Contains(t, out, "cleanup failed")
	require.Contains(t, out, "started by run_0")
	require.Regexp(t, `STEP\s+STATUS\s+ATTEMPTS\s+ITEMS\s+TOOK`, out)
	require.Regexp(t, `load\s+failed \(tolerated\)\s+0\s+3 of 10 failed`, out)
	require.Regexp(t, `undo\s+compensated\s+1`, out)
	require.Regexp(t, `count\s+running\s+0\s+1 of 4`, out)

	require.Equal(t, cli.ExitSucceeded, sh.run("get", "run_1", "-o", "json"))
	var page object
	require.NoError(t, json.Unmarshal(sh.stdout.Bytes(), &page))
	require.Len(t, page["approvals"], 1)
	require.Len(t, page["steps"], 6)
}

// Who follows a run doesn't wait for a person: the exit code and the last lines say whose turn it is.
func TestFollowingEndsWhereAPersonIsNeeded(t *testing.T) {
	t.Parallel()
	routes := waitingRun()
	maps.Copy(routes, map[string]http.HandlerFunc{"POST /v1/teams/default/jobs/nightly/runs": reply(http.StatusAccepted, aRun("queued"))})
	sh := setup(t, routes)
	require.Equal(t, cli.ExitPerson, sh.run("run", "nightly", "--watch"), sh.stderr.String())
	require.Contains(t, sh.stdout.String(), "run_1  nightly v3  waiting\n")
	require.Contains(t, sh.stdout.String(), howToDecide)

	require.Equal(t, cli.ExitPerson, sh.run("run", "nightly", "--watch", "-o", "json"))
	require.Contains(t, sh.stderr.String(), howToDecide)
	require.True(t, json.Valid(sh.stdout.Bytes()), sh.stdout.String())

	require.Equal(t, cli.ExitPerson, sh.run("logs", "run_1", "--follow"))
	require.Contains(t, sh.stdout.String(), "asked")
	require.Contains(t, sh.stderr.String(), howToDecide)
}

func TestDecide(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var bodies []object
	sh := setup(t, map[string]http.HandlerFunc{"POST /v1/runs/run_1/approvals/review": func(w http.ResponseWriter, r *http.Request) {
		var body object
		_ = json.NewDecoder(r.Body).Decode(&body)
		mu.Lock()
		bodies = append(bodies, body)
		mu.Unlock()
		if body["item"] == "us" {
			write(w, http.StatusForbidden, object{"code": "forbidden", "detail": "group leads decides"})
			return
		}
		approval := anApproval("review", "eu")
		approval["status"] = body["decision"]
		write(w, http.StatusOK, approval)
	}})
	require.Equal(t, cli.ExitSucceeded, sh.run("approve", "run_1", "review", "--item", "eu", "-m", "fine"), sh.stderr.String())
	require.Equal(t, "review[eu] of run_1 is approved\n", sh.stdout.String())
	require.Equal(t, cli.ExitSucceeded, sh.run("reject", "run_1", "review"))
	require.Equal(t, "review[eu] of run_1 is rejected\n", sh.stdout.String())
	require.Equal(t, cli.ExitUsage, sh.run("reject", "run_1", "review", "--item", "us"))
	require.Contains(t, sh.stderr.String(), "forbidden: group leads decides")
	require.Equal(t, []object{
		{"decision": "approved", "item": "eu", "comment": "fine"}, {"decision": "rejected"}, {"decision": "rejected", "item": "us"},
	}, bodies)
}

func TestApprovals(t *testing.T) {
	t.Parallel()
	sh := setup(t, map[string]http.HandlerFunc{"GET /v1/teams/default/approvals": func(w http.ResponseWriter, r *http.Request) {
		decided := anApproval("gate", "")
		decided["status"], decided["decidedBy"] = "approved", "bo"
		open := anApproval("other", "")
		open["by"] = []string{}
		if len(r.URL.Query()["status"]) == 1 {
			write(w, http.StatusOK, object{"items": []object{anApproval("review", "eu")}})
			return
		}
		write(w, http.StatusOK, object{"items": []object{decided, open}})
	}})
	require.Equal(t, cli.ExitSucceeded, sh.run("approvals"), sh.stderr.String())
	require.Regexp(t, `run_1\s+nightly\s+review\[eu\]\s+pending\s+group:leads\s+2026-11-20T11:00:00Z\s+Publish\?`, sh.stdout.String())
	require.Equal(t, cli.ExitSucceeded, sh.run("approvals", "--status", "pending,approved", "--run", "run_1"))
	require.Regexp(t, `gate\s+approved\s+bo`, sh.stdout.String())
	require.Regexp(t, `other\s+pending\s+anyone`, sh.stdout.String())
}

func TestCancel(t *testing.T) {
	t.Parallel()
	sh := setup(t, map[string]http.HandlerFunc{
		"POST /v1/runs/run_1/cancel": func(w http.ResponseWriter, r *http.Request) {
			var body object
			_ = json.NewDecoder(r.Body).Decode(&body)
			if body["reason"] != "wrong day" {
				write(w, http.StatusBadRequest, object{"code": "malformed", "detail": "reason"})
				return
			}
			write(w, http.StatusAccepted, aRun("running"))
		},
		"POST /v1/runs/run_2/cancel": reply(http.StatusConflict, object{"code": "conflict", "detail": "the run has ended: failed"}),
	})
	require.Equal(t, cli.ExitSucceeded, sh.run("cancel", "run_1", "-m", "wrong day"), sh.stderr.String())
	require.Equal(t, "run_1 is told to end. See it with: fairlead get run_1\n", sh.stdout.String())
	require.Equal(t, cli.ExitUsage, sh.run("cancel", "run_2"))
	require.Contains(t, sh.stderr.String(), "the run has ended")
}

func TestItems(t *testing.T) {
	t.Parallel()
	sh := setup(t, map[string]http.HandlerFunc{"GET /v1/runs/run_1/steps/load/items": func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		switch {
		case query.Get("status") != "failed":
			write(w, http.StatusBadRequest, object{"code": "malformed", "detail": r.URL.RawQuery})
		case query.Get("cursor") == "":
			write(w, http.StatusOK, object{"items": []object{{
				"key": "eu", "index": 0, "status": "failed", "reason": "tolerated", "attempts": 3, "error": object{"code": "timeout", "message": "no answer", "retryable": true},
			}}, "next": "more"})
		default:
			write(w, http.StatusOK, object{"items": []object{{"key": "us", "index": 1, "status": "failed", "attempts": 1}}})
		}
	}})
	require.Equal(t, cli.ExitSucceeded, sh.run("items", "run_1", "load", "--status", "failed"), sh.stderr.String())
	require.Regexp(t, `eu\s+failed \(tolerated\)\s+3\s+timeout: no answer`, sh.stdout.String())
	require.Regexp(t, `us\s+failed\s+1`, sh.stdout.String())
	require.Equal(t, cli.ExitSucceeded, sh.run("items", "run_1", "load", "--status", "failed", "-o", "json"))
	var list object
	require.NoError(t, json.Unmarshal(sh.stdout.Bytes(), &list))
	require.Len(t, list["items"], 2)
}
