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
)

const withGroups = `apiVersion: fairlead/v1
name: orders
steps:
  - id: load
    foreach: {in: "${['eu', 'us']}", as: region, key: "${region}"}
    steps:
      - {id: copy, uses: http, with: {url: "https://shop.example/${region}"}, compensate: {uses: http, with: {url: "https://shop.example/undo"}}}
      - {id: check, uses: http, with: {url: "https://shop.example/check"}}
  - {id: tell, uses: http, with: {url: "https://shop.example/tell"}}
finally:
  - {id: unlock, uses: http, with: {url: "https://shop.example/unlock"}}
`

func TestStepsOfGroupsAndOfTheEnd(t *testing.T) {
	t.Parallel()
	w := setup(t)
	require.Equal(t, http.StatusCreated, w.do(request{
		method: http.MethodPut, path: "/v1/teams/default/jobs/orders", body: withGroups, header: map[string]string{"Content-Type": "application/yaml"},
	}).Code)
	run := someRun(runID, "default")
	run.Version, run.Status, run.Cleanup = 2, job.StatusFailed, job.StatusSucceeded
	run.Trigger = store.Trigger{Kind: "job", By: "ana", Detail: []byte(`{"parent": "` + otherRun + `", "step": "call"}`)}
	counts := &store.ItemCounts{Total: 2, Succeeded: 1, Failed: 1}
	w.memory.put(run,
		store.Step{ID: "load", Status: job.StatusFailed, Reason: job.ReasonTolerated, Items: counts},
		store.Step{ID: "copy", Position: 1, Status: job.StatusCompensated, Items: counts},
		store.Step{ID: "unlock", Position: 4, Status: job.StatusSucceeded},
		store.Step{ID: "copy.compensate", Position: 5, Status: job.StatusSucceeded},
	)
	list := decode[api.StepList](t, w.do(request{path: "/v1/runs/" + runID + "/steps"}).Body.Bytes())
	var lines []string
	for _, step := range list.Items {
		line := step.Id + " " + string(step.Status)
		if step.Items != nil {
			line += " items"
		}
		lines = append(lines, line)
	}
	require.Equal(t, []string{
		"load failed items", "copy compensated items", "check pending", "tell pending", "unlock succeeded", "copy.compensate succeeded",
	}, lines)
	step := decode[api.Step](t, w.do(request{path: "/v1/runs/" + runID + "/steps/load"}).Body.Bytes())
	require.Equal(t, &api.ItemCounts{Total: 2, Succeeded: 1, Failed: 1}, step.Items)
	require.Equal(t, "tolerated", step.Reason)
	require.Equal(t, api.StepPending, decode[api.Step](t, w.do(request{path: "/v1/runs/" + runID + "/steps/check"}).Body.Bytes()).Status)
	require.Equal(t, http.StatusOK, w.do(request{path: "/v1/runs/" + runID + "/steps/copy.compensate"}).Code)
	got := decode[api.Run](t, w.do(request{path: "/v1/runs/" + runID}).Body.Bytes())
	require.Equal(t, []string{"job", otherRun, "succeeded"}, []string{string(got.Trigger.Kind), got.Trigger.Parent, string(got.Cleanup)})
	require.Equal(t, http.StatusOK, w.do(request{path: "/v1/teams/default/runs?trigger=job&parent=" + otherRun}).Code)
	require.Equal(t, otherRun, w.memory.filter.Parent)
}

func TestListItems(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.memory.items["fetch"] = []store.Item{
		{Key: "eu", Status: job.StatusSucceeded, Attempts: 1, StartedAt: someTime, EndedAt: someTime.Add(time.Second)},
		{
			Key: "us", Index: 1, Status: job.StatusFailed, Reason: job.ReasonTolerated, Attempts: 3, StartedAt: someTime,
			Error: &job.Failure{Code: "timeout", Message: "no answer in 10m", Step: "fetch", Item: "us", Retryable: true},
		},
	}
	path := "/v1/runs/" + runID + "/steps/"
	answer := w.do(request{path: path + "fetch/items?status=failed&limit=2&cursor=abc", role: "viewer"})
	require.Equal(t, http.StatusOK, answer.Code, answer.Body.String())
	golden(t, "items", describe(t, answer.Code, answer.Header(), answer.Body.Bytes()))
	require.Equal(t, 2, w.memory.limit)
	require.Equal(t, "abc", w.memory.cursor)
	require.Len(t, decode[api.ItemList](t, w.do(request{path: path + "fetch/items"}).Body.Bytes()).Items, 2)
	require.JSONEq(t, `{"items": []}`, w.do(request{path: path + "tell/items"}).Body.String(), "a step without items")
	require.Equal(t, api.CodeNotFound, problemOf(t, w.do(request{path: path + "tel/items"})).Code)
	require.Equal(t, api.CodeMalformed, problemOf(t, w.do(request{path: path + "fetch/items?status=odd"})).Code)
}

// Who follows a run's log hears when a person is asked.
func TestFollowTellsOfAPerson(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.memory.ask(asked(runID, "tell", "", "pending"))
	server := httptest.NewServer(w.handler)
	t.Cleanup(server.Close)
	lines := w.follow(server, "")
	e, ok := nextEvent(t, lines)
	require.True(t, ok)
	require.Equal(t, event{name: "waiting", data: `{"run":"` + runID + `","status":"running"}`}, e)
	w.memory.end(job.StatusSucceeded, "{}")
	e, ok = nextEvent(t, lines)
	require.True(t, ok)
	require.Equal(t, "end", e.name)
}
