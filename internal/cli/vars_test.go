package cli_test

import (
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/cli"
)

// variables answers like a gateway that has the variable `role`, and keeps what is sent.
type variables struct {
	mu   sync.Mutex
	sent []string
}

func (v *variables) note(r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.sent = append(v.sent, r.Method+" "+r.URL.Path+" "+r.Header.Get("If-Match")+" "+r.Header.Get("If-None-Match")+" "+string(body))
}

func aVariable(name string, value any) object {
	return object{"team": "default", "name": name, "value": value, "description": "for ETL", "updatedAt": "2026-11-20T09:00:00Z", "updatedBy": "ana"}
}

func (v *variables) routes() map[string]http.HandlerFunc {
	put := func(w http.ResponseWriter, r *http.Request) {
		v.note(r)
		write(w, http.StatusOK, aVariable(r.PathValue("name"), "kept"))
	}
	return map[string]http.HandlerFunc{
		"GET /v1/teams/default/variables": reply(http.StatusOK, object{"items": []object{aVariable("role", "arn:aws"), aVariable("size", object{"a": 1})}}),
		"GET /v1/teams/default/variables/role": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("ETag", `"7"`)
			write(w, http.StatusOK, aVariable("role", "arn:aws"))
		},
		"GET /v1/teams/default/variables/none":    reply(http.StatusNotFound, object{"code": "not_found", "detail": "there is none"}),
		"GET /v1/teams/default/variables/hidden":  reply(http.StatusForbidden, object{"code": "forbidden", "detail": "no"}),
		"PUT /v1/teams/default/variables/{name}":  put,
		"DELETE /v1/teams/default/variables/role": func(w http.ResponseWriter, r *http.Request) { v.note(r); w.WriteHeader(http.StatusNoContent) },
		"DELETE /v1/teams/default/variables/none": reply(http.StatusNotFound, object{"code": "not_found", "detail": "there is none"}),
	}
}

func TestVars(t *testing.T) {
	t.Parallel()
	var v variables
	sh := setup(t, v.routes())
	require.Equal(t, cli.ExitSucceeded, sh.run("vars", "list"), sh.stderr.String())
	require.Regexp(t, `role\s+arn:aws\s+2026-11-20T09:00:00Z\s+ana\s+for ETL`, sh.stdout.String())
	require.Regexp(t, `size\s+\{"a":1\}`, sh.stdout.String())
	require.Equal(t, cli.ExitSucceeded, sh.run("vars", "get", "role"))
	require.Equal(t, "arn:aws\n", sh.stdout.String())
	require.Equal(t, cli.ExitSucceeded, sh.run("vars", "get", "role", "-o", "json"))
	require.True(t, json.Valid(sh.stdout.Bytes()))

	for _, args := range [][]string{
		{"role", "arn:aws:iam"}, {"role", `{"a": [1]}`, "--description", ""}, {"none", "42"}, {"none", "42", "--text"},
	} {
		require.Equal(t, cli.ExitSucceeded, sh.run(append([]string{"vars", "set"}, args...)...), sh.stderr.String())
	}
	require.Contains(t, sh.stdout.String(), `none = "kept"`)
	require.Equal(t, cli.ExitSucceeded, sh.run("vars", "delete", "role"))
	require.Equal(t, []string{
		`PUT /v1/teams/default/variables/role "7"  {"description":"for ETL","value":"arn:aws:iam"}`,
		`PUT /v1/teams/default/variables/role "7"  {"value":{"a":[1]}}`,
		`PUT /v1/teams/default/variables/none  * {"value":42}`,
		`PUT /v1/teams/default/variables/none  * {"value":"42"}`,
		`DELETE /v1/teams/default/variables/role *  `,
	}, v.sent)

	require.Equal(t, cli.ExitUsage, sh.run("vars", "set", "hidden", "1"))
	require.Contains(t, sh.stderr.String(), "forbidden: no")
	require.Equal(t, cli.ExitUsage, sh.run("vars", "get", "none"))
	require.Equal(t, cli.ExitUsage, sh.run("vars", "delete", "none"))
	require.Contains(t, sh.stderr.String(), "not_found: there is none")
	require.Equal(t, cli.ExitSucceeded, sh.run("vars"))
	require.Contains(t, sh.stdout.String(), "vars.NAME")
}
