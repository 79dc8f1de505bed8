package gateway_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/gateway/auth"
	"github.com/fairlead/fairlead/gateway/contract"
	"github.com/fairlead/fairlead/internal/store"
	"github.com/fairlead/fairlead/schema"
)

// leastRoles says who may call what; anyone is for what needs no token, and
// None for what needs a token and no team.
func leastRoles() map[string]auth.Role {
	const anyone = -1
	return map[string]auth.Role{
		"GET /health":       anyone,
		"GET /ready":        anyone,
		"GET /openapi.json": anyone,

		"GET /v1/me":      auth.None,
		"GET /v1/actions": auth.None,

		"GET /v1/teams/{team}/jobs":                auth.Viewer,
		"GET /v1/teams/{team}/jobs/{job}":          auth.Viewer,
		"GET /v1/teams/{team}/jobs/{job}/versions": auth.Viewer,
		"PUT /v1/teams/{team}/jobs/{job}":          auth.Editor,
		"POST /v1/teams/{team}/validate":           auth.Viewer,
		"POST /v1/teams/{team}/jobs/{job}/runs":    auth.Operator,
		"GET /v1/teams/{team}/runs":                auth.Viewer,

		"GET /v1/runs/{run}":              auth.Viewer,
		"GET /v1/runs/{run}/steps":        auth.Viewer,
		"GET /v1/runs/{run}/steps/{step}": auth.Viewer,
		"GET /v1/runs/{run}/input":        auth.Viewer,
		"GET /v1/runs/{run}/output":       auth.Viewer,
		"GET /v1/runs/{run}/logs":         auth.Viewer,

		"GET /v1/runs/{run}/steps/{step}/items": auth.Viewer,
		"POST /v1/runs/{run}/cancel":            auth.Operator,
		"POST /v1/runs/{run}/approvals/{step}":  auth.Approver,
		"GET /v1/teams/{team}/approvals":        auth.Viewer,

		"GET /v1/teams/{team}/variables":           auth.Viewer,
		"GET /v1/teams/{team}/variables/{name}":    auth.Viewer,
		"PUT /v1/teams/{team}/variables/{name}":    auth.Editor,
		"DELETE /v1/teams/{team}/variables/{name}": auth.Editor,

		// The token in its path is signed, and the caller's authority; see TestForgedCallbacks.
		"POST /v1/callbacks/{token}": anyone,
	}
}

// inTeam fills a path's names in, with those of a team.
func inTeam(path, team, run string) string {
	return strings.NewReplacer("{team}", team, "{job}", "orders", "{run}", run, "{step}", "fetch", "{name}", "region",
		"{token}", strings.TrimPrefix(callbackPath(), "/v1/callbacks/")).Replace(path)
}

func TestEveryOperationTakesItsRole(t *testing.T) {
	t.Parallel()
	document, err := contract.Load(schema.OpenAPI())
	require.NoError(t, err)
	roles := leastRoles()
	for _, operation := range document.Operations() {
		name := operation.Method + " " + operation.Path
		needed, ok := roles[name]
		require.True(t, ok, "%s has no row in this table", name)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			_, err := w.memory.CreateVariable(t.Context(), store.Variable{Team: "default", Name: "region", Value: []byte(`"eu"`)})
			require.NoError(t, err)
			own := inTeam(operation.Path, "default", runID)
			for role := auth.None; role <= auth.Admin; role++ {
				answer := w.do(request{method: operation.Method, path: own, role: role.String()})
				require.Equal(t, role >= needed, permitted(answer.Code), "role %s: %d %s", role, answer.Code, answer.Body)
				if role == auth.None && needed > auth.None {
					require.Equal(t, http.StatusNotFound, answer.Code)
				} else if role < needed {
					require.Equal(t, http.StatusForbidden, answer.Code)
				}
			}
			answer := w.do(request{method: operation.Method, path: own, role: "nobody"})
			require.Equal(t, needed < auth.None, answer.Code != http.StatusUnauthorized, "%d", answer.Code)
			if needed > auth.None {
				requireHidden(t, w, operation)
			}
		})
		delete(roles, name)
	}
	require.Empty(t, roles, "rows without an operation")
}

// permitted reports whether the request came as far as its operation.
func permitted(status int) bool {
	return status != http.StatusUnauthorized && status != http.StatusForbidden && status != http.StatusNotFound
}

// requireHidden checks that another team's things can't be told from things that aren't there.
func requireHidden(t *testing.T, w *world, operation *contract.Operation) {
	t.Helper()
	const noRun = "run_06b6zdz1f5r7b3r1q5h8e2m4zz"
	theirs := w.do(request{method: operation.Method, path: inTeam(operation.Path, "other", otherRun)})
	absent := w.do(request{method: operation.Method, path: inTeam(operation.Path, "nowhere", noRun)})
	require.Equal(t, http.StatusNotFound, theirs.Code)
	require.Equal(t, http.StatusNotFound, absent.Code)
	same := strings.NewReplacer("nowhere", "other", noRun, otherRun)
	require.JSONEq(t, theirs.Body.String(), same.Replace(absent.Body.String()))
}
