package expr_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/job/expr"
)

func TestVisible(t *testing.T) {
	t.Parallel()
	nullable := expr.FromSchema(json.RawMessage(`{"properties": {"a": {"type": ["object", "null"], "properties": {"b": {"type": "integer"}}}}}`))
	order := expr.FromSchema(json.RawMessage(`{"properties": {"rows": {"type": "integer"}}}`))
	base := expr.Types{
		Input: nullable, Vars: []string{"etl_role", "limit"}, Callbacks: []string{"signed"}, Ending: true,
		Steps: map[string]expr.Step{"load": {Output: expr.ListOf(order, true)}, "free": {Skippable: true}},
		Roots: map[string]*expr.Type{"index": expr.Int(), "error": expr.ErrorType(), "output": order, "item": expr.ListOf(order, true).Element()},
	}
	for source, want := range map[string]string{
		"vars.etl_role": "", "vars.?limit.orValue(1)": "", "vars['limit'] + 1": "", "vars.limit.deep[0]": "",
		"vars.etl_rol":                   "the team has no variable `etl_rol` (did you mean `etl_role`?); it has `etl_role`, `limit`; create it with PUT /v1/teams/{team}/variables/etl_rol, or `fairlead vars set etl_rol VALUE`",
		"vars.?nope.orValue(1)":          "the team has no variable `nope`; it has",
		"vars":                           "`vars` can't be used as a whole",
		"vars[input.x]":                  "`vars` can't be used as a whole",
		"callbacks.signed + '?a=b'":      "",
		"callbacks.signd":                "there is no callback `signd` here (did you mean `signed`?)",
		"callbacks.signed + 1":           "can't take a string and an integer",
		"callbacks":                      "can't be used as a whole",
		"run.outcome == 'failed'":        "",
		"run.error":                      "",
		"run.?error.orValue({})":         "`run.error` is there even when it is null, so that a default never takes its place: write `run.error == null ? … : run.error`",
		"steps.free.?output.orValue(1)":  "`steps.free.output` is there even when it is null",
		"steps.free.?output.hasValue()":  "`steps.free.output` is there even when it is null",
		"steps.load.?output.orValue([])": "",
		"optional.ofNonZeroValue(steps.free.output).orValue(1)": "",
		"steps.free.output == null ? 1 : steps.free.output":     "",
		"run.error.code":             "`run.error` is null unless the run failed: write `run.?error.?code.orValue(…)`",
		"run.?error.?cod.orValue(1)": "did you mean `code`?",
		"error.code == 'x' && error.retryable && error.status >= 500": "",
		"error.cod":                                          "`error` has no `cod` (did you mean `code`?)",
		"index + 'a'":                                        "can't take an integer and a string",
		"output.row":                                         "did you mean `rows`?",
		"steps.load.output[0].rows":                          "the value may be null, and nothing can be selected from null: write `.?rows.orValue(…)`",
		"steps.load.output[0].?row.orValue(0)":               "did you mean `rows`?",
		"steps.load.output[0].?rows.orValue(0) + 1":          "",
		"steps.load.output.map(o, o.rows)":                   "may be null",
		"steps.load.output.size() + steps.load.items.failed": "",
		"steps.load.items.errors[0].kye":                     "did you mean `key`?",
		"item.rows":                                          "`item` may be null, and nothing can be selected from null: write `item.?rows.orValue(…)`",
		"item.?rows.orValue(0)":                              "",
		"input.a.b":                                          "`input.a` may be null, and nothing can be selected from null: write `input.?a.?b.orValue(…)`",
		"input.?a.?b.orValue(1)":                             "",
		"steps.free.output.x":                                "step `free` may be skipped, and its output is null then: write `steps.free.?output.?x.orValue(…)`",
	} {
		env, err := expr.NewEnv(base)
		require.NoError(t, err)
		_, problems := env.Template("${" + source + "}")
		if want == "" {
			require.Empty(t, problems, source)
			continue
		}
		require.NotEmpty(t, problems[""], source)
		require.Contains(t, problems[""][0].Message, want, source)
	}
}

// Without a list of them, any variable may be named, and callbacks, outcome and error aren't there.
func TestVisibleByDefault(t *testing.T) {
	t.Parallel()
	env, err := expr.NewEnv(expr.Types{Steps: map[string]expr.Step{}})
	require.NoError(t, err)
	_, problems := env.Template("${vars.anything.at.all}")
	require.Empty(t, problems)
	for source, want := range map[string]string{
		"${callbacks.a}": "it exists only in a step's `with`", "${run.outcome}": "`run.outcome` exists only in `finally`", "${run.error}": "`run.error` exists only in `finally`",
		"${vars}": "can't be used as a whole", "${index}": "only inside a `foreach`", "${error}": "only in a step's own `retry.if`",
	} {
		_, problems := env.Template(source)
		require.Contains(t, problems[""][0].Message, want)
	}
	env, err = expr.NewEnv(expr.Types{Vars: []string{}})
	require.NoError(t, err)
	_, problems = env.Template("${vars.a}")
	require.Contains(t, problems[""][0].Message, "the team has no variable `a`; it has none; create it")
}
