package gateway_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/gateway/contract"
	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/schema"
)

// update writes the golden files instead of comparing with them.
var update = flag.Bool("update", false, "write testdata/*.golden anew")

// golden compares with a file in testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o750))
		require.NoError(t, os.WriteFile(path, got, 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}

func TestOperations(t *testing.T) {
	t.Parallel()
	document, err := contract.Load(schema.OpenAPI())
	require.NoError(t, err)
	var b bytes.Buffer
	for _, operation := range document.Operations() {
		fmt.Fprintf(&b, "%-6s %-45s %s", operation.Method, operation.Path, operation.ID)
		if len(operation.Types) > 0 {
			fmt.Fprintf(&b, " ← %s", strings.Join(operation.Types, ", "))
		}
		b.WriteByte('\n')
	}
	golden(t, "operations", b.Bytes())
}

func TestProblems(t *testing.T) {
	t.Parallel()
	const (
		jobPath  = "/v1/teams/default/jobs/orders"
		runsPath = jobPath + "/runs"
	)
	yaml := map[string]string{"Content-Type": "application/yaml"}
	asJSON := map[string]string{"Content-Type": "application/json"}
	put := func(body string, header map[string]string) request {
		return request{method: http.MethodPut, path: jobPath, body: body, header: header}
	}
	submit := func(body string, header map[string]string) request {
		return request{method: http.MethodPost, path: runsPath, body: body, header: header}
	}
	for name, r := range map[string]request{
		"no_token":           {path: "/v1/me", role: "nobody"},
		"bad_token":          {path: "/v1/me", role: "garbage"},
		"issuer_away":        {path: "/v1/me", role: "away"},
		"forbidden":          {method: http.MethodPut, path: jobPath, role: "operator"},
		"no_team":            {path: "/v1/teams/other/jobs"},
		"no_job":             {path: "/v1/teams/default/jobs/ordres"},
		"no_run":             {path: "/v1/runs/run_06b6zdz1f5r7b3r1q5h8e2m4zz"},
		"no_run_id":          {path: "/v1/runs/17"},
		"no_step":            {path: "/v1/runs/" + runID + "/steps/fetsch"},
		"no_route":           {path: "/v2/teams"},
		"no_method":          {method: http.MethodDelete, path: "/v1/runs/" + runID},
		"no_output_yet":      {path: "/v1/runs/" + runID + "/output"},
		"bad_team":           {path: "/v1/teams/..%2fdefault/jobs"},
		"bad_job":            {path: "/v1/teams/default/jobs/%2e%2e"},
		"unknown_parameter":  {method: http.MethodPut, path: jobPath + "?activate=false", header: yaml, body: definition},
		"bad_parameters":     {path: "/v1/teams/default/runs?limit=0&status=done&since=yesterday&version=many&label=x&x=%00"},
		"bad_query":          {path: "/v1/teams/default/runs?q=%zz"},
		"bad_position":       {path: "/v1/runs/" + runID + "/logs?after=nowhere"},
		"no_body":            put("", yaml),
		"bad_type":           put(definition, map[string]string{"Content-Type": "text/csv"}),
		"no_type":            submit("{}", nil),
		"compressed":         submit("{}", map[string]string{"Content-Type": "application/json", "Content-Encoding": "gzip"}),
		"charset":            submit("{}", map[string]string{"Content-Type": "application/json; charset=latin1"}),
		"definition_too_big": put(strings.Repeat("#", job.MaxSource+1), yaml),
		"body_too_big":       submit(`{"input":{"day":"`+strings.Repeat("x", 3<<20)+`"}}`, asJSON),
		"yaml_syntax":        put("apiVersion: fairlead/v1\nname: [orders\n", yaml),
		"bad_definition":     put(strings.ReplaceAll(definition, "uses: http", "uses: htpp"), yaml),
		"other_name":         put(strings.Replace(definition, "name: orders", "name: sales", 1), yaml),
		"two_definitions":    put(definition+"---\n"+strings.Replace(definition, "name: orders", "name: sales", 1), yaml),
		"not_json":           submit("day=2026-11-19", asJSON),
		"cut_json":           submit("{\"input\":\n {", asJSON),
		"json_and_more":      submit(`{"input": {"day": "2026-11-19"}} {}`, asJSON),
		"not_an_object":      submit(`[]`, asJSON),
		"wrong_keys":         submit(`{"inptu": {}, "version": "1", "priority": 9, "labels": {"a": 1}}`, asJSON),
		"huge_version":       submit(`{"input": {"day": "2026-11-19"}, "version": 99999999999}`, asJSON),
		"zero_byte":          submit(`{"input": {"day": "\u0000"}}`, asJSON),
		"key_twice":          submit(`{"input": {"day": "2026-11-19", "day": "2026-11-20"}}`, asJSON),
		"bad_input":          submit(`{"input": {"day": "yesterday", "dya": 1}}`, asJSON),
		"bad_label":          submit(`{"input": {"day": "2026-11-19"}, "labels": {"a=b": "c"}}`, asJSON),
		"no_version":         submit(`{"input": {"day": "2026-11-19"}, "version": 7}`, asJSON),
		"bad_key":            submit(`{}`, map[string]string{"Content-Type": "application/json", "Idempotency-Key": "a b"}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			answer := w.do(r)
			problemOf(t, answer)
			golden(t, "problems/"+name, describe(t, answer.Code, answer.Header(), answer.Body.Bytes()))
			require.Equal(t, 2, w.memory.count(), "a refused request keeps nothing")
			require.Empty(t, w.starter.runs())
		})
	}
}

// describe is an answer as text: its status, the headers that matter, its body.
func describe(t *testing.T, status int, header http.Header, body []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	fmt.Fprintf(&b, "%d %s\n", status, http.StatusText(status))
	for _, name := range []string{"Content-Type", "WWW-Authenticate", "Retry-After", "Allow", "X-Request-Id"} {
		if value := header.Get(name); value != "" {
			fmt.Fprintf(&b, "%s: %s\n", name, value)
		}
	}
	b.WriteByte('\n')
	require.NoError(t, json.Indent(&b, bytes.TrimSpace(body), "", "  "))
	b.WriteByte('\n')
	return b.Bytes()
}
