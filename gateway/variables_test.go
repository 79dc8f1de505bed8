package gateway_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/gateway/api"
	"github.com/fairlead/fairlead/internal/store"
)

func (w *world) put(name, body string, header map[string]string) *httptest.ResponseRecorder {
	w.t.Helper()
	all := map[string]string{"Content-Type": "application/json"}
	maps.Copy(all, header)
	return w.do(request{method: http.MethodPut, path: "/v1/teams/default/variables/" + name, body: body, role: "editor", header: all})
}

func TestVariablesChangeUnderAnETag(t *testing.T) {
	t.Parallel()
	w := setup(t)
	create := map[string]string{"If-None-Match": "*"}
	answer := w.put("region", `{"value": {"z": 9007199254740993}, "description": "where"}`, create)
	require.Equal(t, http.StatusCreated, answer.Code, answer.Body.String())
	first := answer.Header().Get("ETag")
	require.Regexp(t, `^"[0-9]+"$`, first)
	require.JSONEq(t, `{"team": "default", "name": "region", "value": {"z": 9007199254740993}, "description": "where",
		"updatedAt": "2026-11-20T09:00:00.123Z", "updatedBy": "ana"}`, answer.Body.String())
	require.Equal(t, http.StatusPreconditionFailed, w.put("region", `{"value": 1}`, create).Code)
	require.Equal(t, http.StatusPreconditionRequired, w.put("region", `{"value": 1}`, nil).Code)

	answer = w.put("region", `{"value": null}`, map[string]string{"If-Match": `W/"1", "999", ` + first})
	require.Equal(t, http.StatusOK, answer.Code, answer.Body.String())
	second := answer.Header().Get("ETag")
	require.NotEqual(t, first, second)
	for _, stale := range []string{first, "W/" + second, strings.Trim(second, `"`), `"` + second, "x", `"-"`} {
		require.Equal(t, http.StatusPreconditionFailed, w.put("region", `{"value": 1}`, map[string]string{"If-Match": stale}).Code, stale)
	}
	got := w.do(request{path: "/v1/teams/default/variables/region", role: "viewer"})
	require.Equal(t, second, got.Header().Get("ETag"))
	require.Equal(t, "null", string(decode[api.Variable](t, got.Body.Bytes()).Value))
	require.Equal(t, http.StatusOK, w.put("region", `{"value": 1}`, map[string]string{"If-Match": "*"}).Code)
	require.Equal(t, http.StatusPreconditionFailed, w.put("other", `{"value": 1}`, map[string]string{"If-Match": "*"}).Code)

	list := decode[api.VariableList](t, w.do(request{path: "/v1/teams/default/variables?limit=3", role: "viewer"}).Body.Bytes())
	require.Len(t, list.Items, 1)
	remove := func(match string) int {
		r := request{method: http.MethodDelete, path: "/v1/teams/default/variables/region", role: "editor"}
		if match != "" {
			r.header = map[string]string{"If-Match": match}
		}
		return w.do(r).Code
	}
	require.Equal(t, []int{428, 412, 204, 404, 404}, []int{remove(""), remove(second), remove("*"), remove("*"), remove(second)})
}

func TestVariablesRefused(t *testing.T) {
	t.Parallel()
	w := setup(t)
	create := map[string]string{"If-None-Match": "*"}
	for name, c := range map[string]struct {
		variable, body string
		header         map[string]string
		status         int
	}{
		"a reserved word":    {"in", `{"value": 1}`, create, http.StatusBadRequest},
		"no name":            {"Region", `{"value": 1}`, create, http.StatusBadRequest},
		"no value":           {"region", `{}`, create, http.StatusUnprocessableEntity},
		"an unknown key":     {"region", `{"value": 1, "x": 2}`, create, http.StatusUnprocessableEntity},
		"too large":          {"region", `{"value": "` + strings.Repeat("x", 64<<10) + `"}`, create, http.StatusRequestEntityTooLarge},
		"a zero byte":        {"region", `{"value": "\u0000"}`, create, http.StatusBadRequest},
		"a number too large": {"region", `{"value": 1e999}`, create, http.StatusBadRequest},
		"both conditions":    {"region", `{"value": 1}`, map[string]string{"If-None-Match": "*", "If-Match": "*"}, http.StatusBadRequest},
		"none of something":  {"region", `{"value": 1}`, map[string]string{"If-None-Match": `"1"`}, http.StatusBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer := w.put(c.variable, c.body, c.header)
			require.Equal(t, c.status, answer.Code, answer.Body.String())
			problemOf(t, answer)
		})
	}
}

const withVariable = `apiVersion: fairlead/v1
name: orders
priority: 2
steps:
  - {id: fetch, uses: http, with: {url: "https://shop.example/${vars.region}"}}
`

// A run keeps the variables as they are at its submit; a job names only those that there are.
func TestRunsTakeTheVariablesThatTheirJobNames(t *testing.T) {
	t.Parallel()
	w := setup(t)
	publish := func() *httptest.ResponseRecorder {
		return w.do(request{
			method: http.MethodPut, path: "/v1/teams/default/jobs/orders", body: withVariable, header: map[string]string{"Content-Type": "application/yaml"},
		})
	}
	require.Equal(t, api.CodeInvalidDefinition, problemOf(t, publish()).Code, "there is no such variable yet")
	validated := w.do(request{method: http.MethodPost, path: "/v1/teams/default/validate", body: withVariable, header: map[string]string{"Content-Type": "application/yaml"}})
	require.Equal(t, http.StatusUnprocessableEntity, validated.Code)
	for _, name := range []string{"region", "unnamed"} {
		require.Equal(t, http.StatusCreated, w.put(name, `{"value": {"b": 1, "a": "<é>"}}`, map[string]string{"If-None-Match": "*"}).Code)
	}
	require.Equal(t, http.StatusCreated, publish().Code)
	submitted := decode[api.Run](t, w.submit(`{}`, nil).Body.Bytes())
	require.Equal(t, 2, submitted.Priority, "the job's own")
	kept, err := w.memory.Run(t.Context(), submitted.Id)
	require.NoError(t, err)
	require.JSONEq(t, `{"region": {"b": 1, "a": "<é>"}}`, string(kept.Vars))
	require.Equal(t, 5, decode[api.Run](t, w.submit(`{"priority": 5}`, nil).Body.Bytes()).Priority)

	require.Equal(t, http.StatusNoContent, w.do(request{
		method: http.MethodDelete, path: "/v1/teams/default/variables/region", header: map[string]string{"If-Match": "*"},
	}).Code)
	answer := w.submit(`{}`, nil)
	require.Equal(t, http.StatusUnprocessableEntity, answer.Code)
	problem := problemOf(t, answer)
	require.Equal(t, api.CodeUnknownVariable, problem.Code)
	require.Contains(t, problem.Detail, "`region`")

	_, err = w.memory.CreateVariable(t.Context(), store.Variable{Team: "default", Name: "region", Value: []byte(`"` + strings.Repeat("x", store.MaxSnapshot) + `"`)})
	require.NoError(t, err)
	problem = problemOf(t, w.submit(`{}`, nil))
	require.Equal(t, http.StatusUnprocessableEntity, problem.Status)
	require.Contains(t, problem.Detail, "of at most 1048576")
}
