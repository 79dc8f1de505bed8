package expr_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/job/expr"
)

const inputSchema = `{
  "type": "object",
  "properties": {
    "from": {"type": "string"}, "count": {"type": "integer"}, "price": {"type": "number"}, "dry": {"type": "boolean"},
    "tags": {"type": "array", "items": {"type": "string"}},
    "orders": {"type": "array", "items": {"$ref": "#/$defs/order"}},
    "labels": {"type": "object", "additionalProperties": {"type": "string"}},
    "free": {}
  },
  "$defs": {"order": {"type": "object", "properties": {"id": {"type": "integer"}, "name": {"type": "string"}}}}
}`

const outputSchema = `{
  "type": "object", "additionalProperties": false,
  "properties": {"status": {"type": "integer"}, "headers": {"type": "object", "additionalProperties": {"type": "string"}}, "body": {}}
}`

const values = `{
  "input": {
    "from": "2026-01-05", "count": 3, "price": 2.5, "dry": false, "tags": ["b", "a"],
    "orders": [{"id": 9007199254740993, "name": "x"}, {"id": 2, "name": "y"}],
    "labels": {"team": "finance"}, "free": {"z": 1, "a": null, "m": [1, 2.5]}
  },
  "steps": {
    "extract": {"status": "succeeded", "output": {"status": 200, "headers": {"etag": "e"}, "body": {"rows": 12}}, "error": null},
    "maybe": {"status": "skipped", "output": null, "error": null}
  },
  "run": {"id": "run_1", "job": "orders", "version": 4, "trigger": "api", "startedAt": "2026-01-31T10:11:12.5Z"}
}`

// typed is an environment that knows the types of values.
func typed(tb testing.TB) *expr.Env {
	tb.Helper()
	output := expr.FromSchema(json.RawMessage(outputSchema))
	env, err := expr.NewEnv(expr.Types{
		Input:  expr.FromSchema(json.RawMessage(inputSchema)),
		Steps:  map[string]expr.Step{"extract": {Output: output}, "maybe": {Output: output, Skippable: true}},
		Others: []string{"later"},
		Roots:  map[string]*expr.Type{"region": expr.FromSchema(json.RawMessage(`{"type": "string"}`))},
	})
	require.NoError(tb, err)
	return env
}

// scopeOf is values as a scope of the test's own.
func scopeOf(tb testing.TB) expr.Scope {
	tb.Helper()
	value, err := expr.Decode([]byte(values))
	require.NoError(tb, err)
	object, ok := value.(map[string]any)
	require.True(tb, ok)
	return object
}

// late is what a value gives that is compiled without types.
func late(value any, scope expr.Scope) (any, error) {
	template, err := expr.Late(value)
	if err != nil {
		return nil, err
	}
	return template.Render(scope)
}
