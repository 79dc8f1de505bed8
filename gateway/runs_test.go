package gateway_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/gateway/api"
	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/store"
)

func TestListRunsFilters(t *testing.T) {
	t.Parallel()
	w := setup(t)
	answer := w.do(request{path: "/v1/teams/default/runs?job=orders&status=failed&status=timed_out&trigger=api&label=a=b&label=c=" +
		"&version=2&since=2026-11-19T00:00:00Z&until=2026-11-20T00:00:00%2B01:00&q=boom&limit=20&cursor=xyz"})
	require.Equal(t, http.StatusOK, answer.Code, answer.Body.String())
	require.Len(t, decode[api.RunList](t, answer.Body.Bytes()).Items, 1, "of the team only")
	until := w.memory.filter.Until
	require.True(t, until.Equal(time.Date(2026, 11, 19, 23, 0, 0, 0, time.UTC)), until)
	w.memory.filter.Until = time.Time{}
	require.Equal(t, store.Filter{
		Job: "orders", Status: []job.Status{job.StatusFailed, job.StatusTimedOut}, Trigger: "api", Version: 2,
		Since: time.Date(2026, 11, 19, 0, 0, 0, 0, time.UTC), Labels: map[string]string{"a": "b", "c": ""}, Query: "boom",
	}, w.memory.filter)
	require.Equal(t, 20, w.memory.limit)
	require.Equal(t, "xyz", w.memory.cursor)

	answer = w.do(request{path: "/v1/teams/default/runs?label=a=b&label=a=c"})
	require.Equal(t, http.StatusBadRequest, answer.Code)
	require.Equal(t, "/query/label", problemOf(t, answer).Errors[0].Pointer)
}

func TestGetRun(t *testing.T) {
	t.Parallel()
	w := setup(t)
	failed := someRun(runID, "default")
	failed.Status, failed.EndedAt = job.StatusFailed, someTime.Add(time.Minute)
	failed.Error = &job.Failure{Code: "http_status", Message: "GET https://shop.example answered 503", Status: 503, Step: "fetch", Retryable: true}
	w.memory.put(failed)
	answer := w.do(request{path: "/v1/runs/" + runID, role: "viewer"})
	require.Equal(t, http.StatusOK, answer.Code)
	golden(t, "run_failed", describe(t, answer.Code, answer.Header(), answer.Body.Bytes()))
}

func TestLargeValuesAreBehindURLs(t *testing.T) {
	t.Parallel()
	w := setup(t)
	large := []byte(`"` + strings.Repeat("x", 200<<10) + `"`)
	run := someRun(runID, "default")
	run.Status, run.Input, run.Output = job.StatusSucceeded, large, large
	w.memory.put(run)
	got := decode[api.Run](t, w.do(request{path: "/v1/runs/" + runID}).Body.Bytes())
	require.Nil(t, got.Input)
	require.Nil(t, got.Output)
	require.Equal(t, string(large), w.do(request{path: got.InputUrl}).Body.String())
	require.Equal(t, string(large), w.do(request{path: got.OutputUrl}).Body.String())

	run.Output, run.OutputKey = nil, "values/team=default/run="+runID+"/_output.json"
	w.memory.put(run, store.Step{Run: runID, ID: "fetch", Status: job.StatusSucceeded, Attempts: 1, OutputKey: "values/fetch.json"})
	got = decode[api.Run](t, w.do(request{path: "/v1/runs/" + runID}).Body.Bytes())
	require.NotEmpty(t, got.OutputUrl)
	gone := w.do(request{path: got.OutputUrl})
	require.Equal(t, http.StatusNotFound, gone.Code)
	require.NoError(t, w.bucket.Put(t.Context(), run.OutputKey, large, ""))
	require.NoError(t, w.bucket.Put(t.Context(), "values/fetch.json", []byte(`{"status":200}`), ""))
	there := w.do(request{path: got.OutputUrl})
	require.Equal(t, http.StatusOK, there.Code)
	require.Equal(t, "application/json", there.Header().Get("Content-Type"))
	require.Equal(t, string(large), there.Body.String())
	step := w.do(request{path: "/v1/runs/" + runID + "/steps/fetch"})
	require.JSONEq(t, `{"status":200}`, string(decode[api.Step](t, step.Body.Bytes()).Output))

	w.bucket.fail(errors.New("connection refused"))
	away := w.do(request{path: got.OutputUrl})
	require.Equal(t, http.StatusServiceUnavailable, away.Code)
	require.NotContains(t, away.Body.String(), "refused")
}

func TestVeryLargeOutputs(t *testing.T) {
	t.Parallel()
	w := setup(t)
	large := []byte(`"` + strings.Repeat("x", 18<<20) + `"`)
	run := someRun(runID, "default")
	run.Status, run.OutputKey = job.StatusSucceeded, "values/output.json"
	w.memory.put(run, store.Step{Run: runID, ID: "fetch", Status: job.StatusSucceeded, Attempts: 1, OutputKey: run.OutputKey})
	require.NoError(t, w.bucket.Put(t.Context(), run.OutputKey, large, ""))

	answer := w.do(request{path: "/v1/runs/" + runID + "/output"})
	require.Equal(t, http.StatusOK, answer.Code)
	require.Equal(t, "application/json", answer.Header().Get("Content-Type"))
	require.True(t, bytes.Equal(large, answer.Body.Bytes()), "%d bytes of %d", answer.Body.Len(), len(large))

	answer = w.do(request{path: "/v1/runs/" + runID + "/steps/fetch"})
	require.Equal(t, http.StatusRequestEntityTooLarge, answer.Code)
	require.Equal(t, api.CodeTooLarge, problemOf(t, answer).Code)
}

func TestOutputThatIsNone(t *testing.T) {
	t.Parallel()
	for _, status := range []job.Status{job.StatusSucceeded, job.StatusFailed, job.StatusCanceled} {
		w := setup(t)
		run := someRun(runID, "default")
		run.Status = status
		w.memory.put(run)
		require.Equal(t, api.CodeNotFound, problemOf(t, w.do(request{path: "/v1/runs/" + runID + "/output"})).Code)
	}
}

func TestStepsToCome(t *testing.T) {
	t.Parallel()
	w := setup(t)
	answer := w.do(request{path: "/v1/runs/" + runID + "/steps"})
	require.Equal(t, http.StatusOK, answer.Code, answer.Body.String())
	list := decode[api.StepList](t, answer.Body.Bytes())
	require.Len(t, list.Items, 2)
	require.Equal(t, "fetch running 1, tell pending 0", fmt.Sprintf("%s %s %d, %s %s %d",
		list.Items[0].Id, list.Items[0].Status, list.Items[0].Attempts, list.Items[1].Id, list.Items[1].Status, list.Items[1].Attempts))
	answer = w.do(request{path: "/v1/runs/" + runID + "/steps/tell"})
	require.Equal(t, http.StatusOK, answer.Code, answer.Body.String())
	require.Equal(t, api.StepPending, decode[api.Step](t, answer.Body.Bytes()).Status)
}
