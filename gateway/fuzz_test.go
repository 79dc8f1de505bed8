package gateway_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/gateway"
	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/report"
	"github.com/fairlead/fairlead/internal/store"
)

// fuzzed is a gateway with the job orders.
func fuzzed(f *testing.F) http.Handler {
	f.Helper()
	versions, err := job.Load([]byte(definition))
	if err != nil {
		f.Fatal(err)
	}
	memory := newMemory()
	_, err = memory.Publish(f.Context(), store.Publication{
		Team: "default", Job: "orders", Digest: versions[0].Digest, Canonical: versions[0].Canonical, Activate: true,
	})
	if err != nil {
		f.Fatal(err)
	}
	memory.put(someRun(runID, "default"))
	handler, err := gateway.New(gateway.Deps{
		Jobs: memory, Runs: memory, Variables: memory, Starter: &starter{}, Workflows: &flows{}, CallbackKey: callbackKey,
		Logs: report.New(memory, nil), Auth: tokens{}, Log: discard(),
	})
	if err != nil {
		f.Fatal(err)
	}
	return handler
}

func FuzzSubmitBody(f *testing.F) {
	handler := fuzzed(f)
	for _, seed := range []string{goodInput, `{}`, `[]`, `null`, `{"input":{"day":"2026-11-19","x":1e999}}`, `{"version":-0}`, "\xff", `{"a":"\ud800"}`, `{"input":{}}{}`} {
		f.Add([]byte(seed))
	}
	allowed := []int{http.StatusAccepted, http.StatusBadRequest, http.StatusNotFound, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity}
	f.Fuzz(func(t *testing.T, body []byte) {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/teams/default/jobs/orders/runs", strings.NewReader(string(body)))
		req.Header.Set("Authorization", "Bearer operator")
		req.Header.Set("Content-Type", "application/json")
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, req)
		if !slices.Contains(allowed, answer.Code) {
			t.Fatalf("%d %s", answer.Code, answer.Body)
		}
	})
}

func FuzzQuery(f *testing.F) {
	handler := fuzzed(f)
	for _, seed := range []string{"limit=1", "status=failed&status=x", "since=2026-11-19T00:00:00Z", "q=%00", "label=a=b", "version=-1", "%zz", "a;b=1", "limit=1&limit=2"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/teams/default/runs", http.NoBody)
		req.URL.RawQuery = query
		req.Header.Set("Authorization", "Bearer viewer")
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, req)
		if answer.Code != http.StatusOK && answer.Code != http.StatusBadRequest {
			t.Fatalf("%d %s", answer.Code, answer.Body)
		}
	})
}

// fuzzBody sends bodies to one route, which may refuse them, and never fails.
func fuzzBody(f *testing.F, method, path string, header map[string]string, seeds ...string) {
	f.Helper()
	handler := fuzzed(f)
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		req := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(string(body)))
		req.Header.Set("Authorization", "Bearer admin")
		req.Header.Set("Content-Type", "application/json")
		for name, value := range header {
			req.Header.Set(name, value)
		}
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, req)
		if answer.Code >= http.StatusInternalServerError {
			t.Fatalf("%d %s", answer.Code, answer.Body)
		}
	})
}

func FuzzCallbackBody(f *testing.F) {
	fuzzBody(f, http.MethodPost, callbackPath(), nil, ``, `null`, `{"a":1}`, `[1e999]`, `"\u0000"`, `{"a":1,"a":2}`, "\xff", `-0`, `{}{}`)
}

func FuzzDecideBody(f *testing.F) {
	fuzzBody(f, http.MethodPost, "/v1/runs/"+runID+"/approvals/fetch", nil,
		`{"decision":"approved"}`, `{"decision":"rejected","comment":"x","item":"eu"}`, `{"decision":1}`, `null`, `{}`)
}

func FuzzVariableBody(f *testing.F) {
	fuzzBody(f, http.MethodPut, "/v1/teams/default/variables/role", map[string]string{"If-Match": "*"},
		`{"value":1}`, `{"value":null,"description":"x"}`, `{"value":1e999}`, `{}`, `[]`)
}

func FuzzCallbackToken(f *testing.F) {
	handler := fuzzed(f)
	for _, seed := range []string{"x", callbackPath()[len("/v1/callbacks/"):], "%00", "AQ", "..%2f"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/callbacks/x", http.NoBody)
		req.URL.Path, req.URL.RawPath = "/v1/callbacks/"+token, ""
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, req)
		if answer.Code >= http.StatusInternalServerError {
			t.Fatalf("%d %s", answer.Code, answer.Body)
		}
	})
}
