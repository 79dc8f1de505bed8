package contract_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/gateway/contract"
	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/schema"
)

func load(t *testing.T) *contract.Contract {
	t.Helper()
	c, err := contract.Load(schema.OpenAPI())
	require.NoError(t, err)
	return c
}

// lines are the problems as text, one a line.
func lines(fields []job.Field) string {
	texts := make([]string, len(fields))
	for i, field := range fields {
		texts[i] = field.String()
	}
	return strings.Join(texts, "\n")
}

func TestEveryOperationSaysAllItsErrors(t *testing.T) {
	t.Parallel()
	c := load(t)
	var document struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	require.NoError(t, json.Unmarshal(c.JSON(), &document))
	for _, operation := range c.Operations() {
		var definition struct {
			Responses map[string]any `json:"responses"`
		}
		require.NoError(t, json.Unmarshal(document.Paths[operation.Path][strings.ToLower(operation.Method)], &definition))
		want := []string{"500"}
		if !operation.Open {
			want = append(want, "400", "401", "503")
		}
		if operation.Has("team") || operation.Has("run") {
			want = append(want, "403", "404")
		}
		if len(operation.Types) > 0 {
			want = append(want, "413", "415", "422")
		}
		for _, status := range want {
			require.Contains(t, definition.Responses, status, "%s %s", operation.Method, operation.Path)
		}
	}
}

func TestOperationByRoute(t *testing.T) {
	t.Parallel()
	c := load(t)
	require.Equal(t, "getStep", c.Operation(http.MethodGet, "/v1/runs/:run/steps/:step").ID)
	require.Nil(t, c.Operation(http.MethodGet, "/v1/runs/{run}"))
	require.Nil(t, c.Operation(http.MethodDelete, "/v1/runs/:run"))
	require.Nil(t, c.Operation(http.MethodGet, ""))
}

func TestQuery(t *testing.T) {
	t.Parallel()
	runs := load(t).Operation(http.MethodGet, "/v1/teams/:team/runs")
	for query, want := range map[string]string{
		"":                                      "",
		"limit=200&status=failed&status=queued": "",
		"label=a=b&label=c=":                    "",
		"limit=201":                             "/query/limit: 201 is more than 200, the most",
		"limit=1&limit=2":                       "/query/limit: this is given more than once: give it once",
		"limit=1.5":                             "/query/limit: `1.5` is not a whole number",
		"limit=":                                "/query/limit: `` is not a whole number",
		"version=2147483648":                    "/query/version: `2147483648` is not a whole number of at most 32 bits",
		"q=":                                    "/query/q: this has 0 characters; the least is 1",
		"q=a%00":                                "/query/q: this must be UTF-8 without zero bytes",
		"q=%ff":                                 "/query/q: this must be UTF-8 without zero bytes",
		"job=..%2fx":                            "/query/job: `../x` must match ^[a-z][a-z0-9_-]{0,62}$",
		"until=now":                             "/query/until: `now` is not a time such as 2026-01-05T00:00:00Z",
		"Limit=1":                               "/query/Limit: unknown query parameter `Limit`; allowed: cursor, job, label, limit, parent, q, since, status, trigger, until, version",
	} {
		values, err := url.ParseQuery(query)
		require.NoError(t, err)
		require.Equal(t, want, lines(runs.CheckQuery(values)), query)
	}
}

func TestHeaderAndPath(t *testing.T) {
	t.Parallel()
	submit := load(t).Operation(http.MethodPost, "/v1/teams/:team/jobs/:job/runs")
	require.Empty(t, submit.CheckHeader(http.Header{"Idempotency-Key": {"a-1"}, "Anything": {"else"}}))
	require.Equal(t, "/header/Idempotency-Key: `a b` must match ^[\\x21-\\x7e]+$", lines(submit.CheckHeader(http.Header{"Idempotency-Key": {"a b"}})))
	names := map[string]string{"team": "default", "job": "Orders"}
	require.Equal(t, "/path/job: `Orders` must match ^[a-z][a-z0-9_-]{0,62}$", lines(submit.CheckPath(func(name string) string { return names[name] })))
}

func TestBodyHasBoundedProblems(t *testing.T) {
	t.Parallel()
	submit := load(t).Operation(http.MethodPost, "/v1/teams/:team/jobs/:job/runs")
	body := map[string]any{}
	for range 500 {
		body[strings.Repeat("k", len(body)+1)] = true
	}
	fields := submit.CheckBody(body)
	require.Len(t, fields, 100)
	for _, field := range fields {
		require.Less(t, len(field.String()), 500)
	}
	require.Empty(t, submit.CheckBody(map[string]any{"version": json.Number("2"), "input": nil, "labels": map[string]any{"a": "b"}}))
}

func TestBadDocuments(t *testing.T) {
	t.Parallel()
	for name, document := range map[string]string{
		"not YAML":        "a: [",
		"no object":       "- 1",
		"a broken schema": "paths: {/x: {get: {operationId: x, parameters: [{name: a, in: query, schema: {type: nothing}}]}}}",
	} {
		_, err := contract.Load([]byte(document))
		require.Error(t, err, name)
	}
}
