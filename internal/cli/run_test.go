package cli_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/cli"
)

// submits answers like a gateway that has the job `nightly`, and keeps what was submitted.
type submits struct {
	mu     sync.Mutex
	keys   []string
	bodies []object
}

func (s *submits) routes(status string) map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"GET /v1/teams/default/jobs/nightly": reply(http.StatusOK, object{
			"name": "nightly", "definition": object{"input": object{"properties": object{
				"id": object{"type": "string"}, "count": object{"type": "integer"}, "day": object{"type": []string{"string"}}, "any": true,
			}}},
		}),
		"POST /v1/teams/default/jobs/nightly/runs": func(w http.ResponseWriter, r *http.Request) {
			var body object
			_ = json.NewDecoder(r.Body).Decode(&body)
			s.mu.Lock()
			defer s.mu.Unlock()
			s.keys = append(s.keys, r.Header.Get("Idempotency-Key"))
			s.bodies = append(s.bodies, body)
			if len(s.keys) == 1 && status == "flaky" {
				w.Header().Set("Retry-After", "0")
				write(w, http.StatusServiceUnavailable, object{"code": "unavailable"})
				return
			}
			write(w, http.StatusAccepted, aRun("queued"))
		},
		"GET /v1/runs/run_1":       reply(http.StatusOK, ending(status)),
		"GET /v1/runs/run_1/steps": reply(http.StatusOK, object{"items": []object{{"id": "ready", "status": "succeeded", "attempts": 1}}}),
		"GET /v1/runs/run_1/logs": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = fmt.Fprintf(w, ": hello\n\nid: 1\nevent: log\ndata: %s\n\nevent: end\ndata: {\"run\":\"run_1\"}\n\n",
				`{"ts":"2026-11-20T09:00:00.3Z","level":"info","msg":"answered 200","step":"ready","attempt":2,"seq":1,"fields":{"url":"http://x"}}`)
		},
	}
}

func ending(status string) object {
	run := aRun(status)
	switch status {
	case "succeeded":
		run["output"] = object{"verdict": "healthy"}
	case "failed":
		run["error"] = object{"code": "http_status", "message": "GET http://x answered 503", "step": "ready", "retryable": true}
	}
	return run
}

func TestRunGivesInputsTheirTypes(t *testing.T) {
	t.Parallel()
	var got submits
	sh := setup(t, got.routes("queued"))
	sh.write("in.json", `{"day": "2026-01-01", "kept": true}`)
	require.Equal(t, cli.ExitSucceeded, sh.run("run", "nightly", "--input", "in.json", "--key", "k1", "--label", "reason=test",
		"-i", "id=0042", "-i", "count=7", "-i", "day=20260105", "-i", "any=[1]", "-i", "word=plain text"), sh.stderr.String())
	require.Equal(t, "run_1\n", sh.stdout.String())
	require.Equal(t, []string{"k1"}, got.keys)
	require.Equal(t, object{
		"input":  object{"id": "0042", "count": 7.0, "day": "20260105", "any": []any{1.0}, "word": "plain text", "kept": true},
		"labels": object{"reason": "test"},
	}, got.bodies[0])
}

func TestRunAddsToAnObjectOnly(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{"null": "null", "a list": "[]", "not JSON": "{"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got submits
			sh := setup(t, got.routes("queued"))
			sh.write("in.json", content)
			require.Equal(t, cli.ExitUsage, sh.run("run", "nightly", "--input", "in.json", "-i", "id=1"))
			require.Contains(t, sh.stderr.String(), "in.json is not a JSON object, so -i can't add to it")
			require.Empty(t, got.bodies)
		})
	}
}

func TestRunIsSentAgainUnderOneKey(t *testing.T) {
	t.Parallel()
	var got submits
	sh := setup(t, got.routes("flaky"))
	require.Equal(t, cli.ExitSucceeded, sh.run("run", "nightly"), sh.stderr.String())
	require.Len(t, got.keys, 2)
	require.NotEmpty(t, got.keys[0])
	require.Equal(t, got.keys[0], got.keys[1])
}

func TestWatchTellsTheOutcomeAndExitsByIt(t *testing.T) {
	t.Parallel()
	for status, code := range map[string]int{
		"succeeded": cli.ExitSucceeded, "failed": cli.ExitFailed, "canceled": cli.ExitCanceled, "skipped": cli.ExitSkipped,
		"timed_out": cli.ExitSkipped, "needs_attention": cli.ExitPerson, "a_new_one": cli.ExitPerson,
	} {
		t.Run(status, func(t *testing.T) {
			t.Parallel()
			var got submits
			sh := setup(t, got.routes(status))
			require.Equal(t, code, sh.run("run", "nightly", "--watch"), sh.stderr.String())
			out := sh.stdout.String()
			require.Contains(t, out, "09:00:00.300  info   ready#2  answered 200 url=http://x\n")
			require.Contains(t, out, "run_1  nightly v3  "+status+" in 2.5s")
			switch status {
			case "failed":
				require.Contains(t, out, "because step ready: http_status: GET http://x answered 503")
			case "succeeded":
				require.Contains(t, out, `output: {"verdict":"healthy"}`)
			}
		})
	}
}

func TestWatchAsJSONKeepsStandardOutputForIt(t *testing.T) {
	t.Parallel()
	var got submits
	sh := setup(t, got.routes("failed"))
	require.Equal(t, cli.ExitFailed, sh.run("run", "nightly", "--watch", "-o", "json"))
	var run object
	require.NoError(t, json.Unmarshal(sh.stdout.Bytes(), &run))
	require.Equal(t, "failed", run["status"])
	require.Len(t, run["steps"], 1)
	require.Contains(t, sh.stderr.String(), "answered 200")
}

func TestRefusedSubmitNamesThePlace(t *testing.T) {
	t.Parallel()
	sh := setup(t, map[string]http.HandlerFunc{"/": reply(http.StatusUnprocessableEntity, object{
		"code": "invalid_input", "detail": "1 problem", "requestId": "r", "errors": []object{{"pointer": "/input/day", "message": "is required"}},
	})})
	require.Equal(t, cli.ExitUsage, sh.run("run", "nightly"))
	require.Equal(t, "/input/day: is required\nfairlead: invalid_input: 1 problem (request r)\n", sh.stderr.String())
}

func TestFollowGoesOnWhereTheStreamWasCut(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var resumed []string
	sh := setup(t, map[string]http.HandlerFunc{"GET /v1/runs/run_1/logs": func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		resumed = append(resumed, r.Header.Get("Last-Event-ID"))
		n := len(resumed)
		mu.Unlock()
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = fmt.Fprintf(w, "id: e%d\nevent: log\ndata: {\"msg\":\"record %d\",\"step\":\"s\"}\n\n", n, n)
		if n == 2 {
			_, _ = fmt.Fprint(w, "event: end\ndata: {}\n\n")
		}
	}})
	require.Equal(t, cli.ExitSucceeded, sh.run("logs", "run_1", "--follow"), sh.stderr.String())
	require.Equal(t, []string{"", "e1"}, resumed)
	require.Equal(t, 1, strings.Count(sh.stdout.String(), "record 1"))
	require.Equal(t, 1, strings.Count(sh.stdout.String(), "record 2"))
}

func TestFollowTellsWhyTheGatewayEndsTheStream(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	asked := 0
	routes := func(mend bool) map[string]http.HandlerFunc {
		return map[string]http.HandlerFunc{"GET /v1/runs/run_1/logs": func(w http.ResponseWriter, _ *http.Request) {
			mu.Lock()
			asked++
			mended := mend && asked > 1
			mu.Unlock()
			w.Header().Set("Content-Type", "text/event-stream")
			if mended {
				_, _ = fmt.Fprint(w, "event: end\ndata: {}\n\n")
				return
			}
			_, _ = fmt.Fprint(w, `event: error`+"\n"+`data: {"code":"unavailable","status":503,"detail":"a part of the log can't be read now","requestId":"r"}`+"\n\n")
		}}
	}
	sh := setup(t, routes(true))
	require.Equal(t, cli.ExitSucceeded, sh.run("logs", "run_1", "--follow"), sh.stderr.String())
	mu.Lock()
	require.Equal(t, 2, asked)
	mu.Unlock()

	sh = setup(t, routes(false))
	require.Equal(t, cli.ExitUsage, sh.run("logs", "run_1", "--follow"))
	require.Contains(t, sh.stderr.String(), "unavailable: a part of the log can't be read now (request r)")
}

func TestLogsReadsEveryPage(t *testing.T) {
	t.Parallel()
	sh := setup(t, map[string]http.HandlerFunc{"GET /v1/runs/run_1/logs": func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("after") == "" {
			write(w, http.StatusOK, object{"items": []object{{"msg": "one", "step": "s"}}, "next": "n1"})
			return
		}
		write(w, http.StatusOK, object{"items": []object{{"msg": "two\x1b]0;title\a\u202e", "step": "s"}}})
	}})
	require.Equal(t, cli.ExitSucceeded, sh.run("logs", "run_1", "--level", "warn", "--step", "s"), sh.stderr.String())
	require.Contains(t, sh.stdout.String(), "s  one\n")
	require.Contains(t, sh.stdout.String(), "s  two]0;title\n", "nothing that a terminal would obey")

	require.Equal(t, cli.ExitSucceeded, sh.run("logs", "run_1", "-o", "json"))
	require.Equal(t, 2, strings.Count(sh.stdout.String(), "\n"), "one JSON record a line")
}

func TestRunsListsWhyARunFailed(t *testing.T) {
	t.Parallel()
	sh := setup(t, map[string]http.HandlerFunc{"GET /v1/teams/default/runs": func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		if query.Get("job") != "nightly" || len(query["status"]) != 2 || query.Get("since") == "" {
			write(w, http.StatusBadRequest, object{"code": "malformed", "detail": r.URL.RawQuery})
			return
		}
		write(w, http.StatusOK, object{"items": []object{ending("failed")}})
	}})
	require.Equal(t, cli.ExitSucceeded, sh.run("runs", "--job", "nightly", "--status", "failed,timed_out", "--since", "2h"), sh.stderr.String())
	require.Regexp(t, `run_1\s+nightly\s+3\s+failed\s+2026-11-20T09:00:00Z\s+2.5s\s+step ready: http_status: GET`, sh.stdout.String())
}
