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
	handler, err := gateway.New(gateway.Deps{
		Jobs: memory, Runs: memory, Starter: &starter{}, Logs: report.New(memory, nil), Auth: tokens{}, Log: discard(),
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
