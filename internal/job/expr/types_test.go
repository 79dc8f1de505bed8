package expr_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/job/expr"
)

// What is known of results, so that what is made of them can be checked too.
func TestType(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		// Of schemas.
		"input.count": "int", "input.price": "number", "input.free": "any", "input.tags": "[string]", "input.labels": "{…string}",
		"input.orders": "[{id: int, name: string}]", "input.orders[0]": "{id: int, name: string}", "input.orders[0].id": "int",
		"input.labels.any": "string", "steps.extract.output.headers": "{…string}", "steps.extract.status": "string",
		"steps.maybe.output.?status.orValue(0)": "int", "steps.maybe.output.?status.orValue('none')": "any", "steps.maybe.?output.?status.orValue(0)": "int",
		"steps.extract.items.errors": "[{code: string, key: string, message: string}]", "run.version": "int", "region": "string",
		// Of functions and operators, as JSON.
		"1 + 1": "int", "input.count + 1.5": "number", "'a' + input.from": "string", "input.count > 1": "bool", "null": "null",
		"timestamp(run.startedAt)": "string", "duration('1h')": "string", "b'a'": "string", "1u": "number", "json('1')": "any", "input.from.split('-')": "[string]",
		"input.tags.size()": "int", "input.free + 1": "any", "vars.x": "any", "dyn(1)": "any", "[1, 2.5].sum()": "any", "sha256('a')": "string",
		// Of what is put together.
		"[1, 2.5]": "[number]", "[1, null]": "[int?]", "[1, 'a']": "[any]", "[]": "[any]", "[[1], [2.5]]": "[[number]]", "[null, null]": "[null]", "[?input.?count]": "[any]",
		"{'a': 1, 'b': {'c': input.tags}}": "{a: int, b: {c: [string]}}", "{input.from: 1}": "{…int}", "{?'a': input.?count, 'b': 1}": "{b: int, …}", "{'a': 1}.a": "int", "{'a': 1}['a']": "int",
		"input.dry ? 1 : 2": "int", "input.dry ? 1 : 2.5": "number", "input.dry ? input.from : null": "string?", "input.dry ? 1 : 'a'": "any", "input.dry ? input.orders[0] : null": "{id: int, name: string}?",
		"input.dry ? input.orders : []": "[any]", "input.dry ? input.tags : [input.from]": "[string]",
		// Of loops.
		"input.orders.map(o, o.name)": "[string]", "input.orders.map(o, {'id': o.id})": "[{id: int}]", "input.orders.filter(o, o.id > 1)": "[{id: int, name: string}]",
		"input.orders.filter(o, o.id > 1).map(o, o.id)": "[int]", "input.orders.filter(o, o.id > 1)[0].name": "string", "input.free.map(k, k)": "[any]", "input.labels.map(k, k)": "[string]",
		"input.orders.map(o, o.id > 1, o.name)": "[string]", "input.tags.all(t, t != '')": "bool", "[1, null].filter(n, n != null)": "[int]", "[1, null].filter(n, n != 2)": "[int?]", "[1, null].filter(n, n != null && n > 1)": "[int]", "[1, null].filter(n, null != n || true)": "[int?]", "input.tags.exists_one(t, t == 'a')": "bool",
		"input.tags.map(t, input.count)": "[int]", "input.tags.map(t, input.tags)": "[[string]]",
		"[1, null].map(x, ['a'].filter(x, x != null))": "[[string]]",
	} {
		x, problems := typed(t).Single("${"+source+"}", expr.WantAny)
		require.Empty(t, problems, source)
		require.Equal(t, want, x.Type().Describe(), source)
	}
}

func TestTemplateType(t *testing.T) {
	t.Parallel()
	template, problems := typed(t).Template(map[string]any{
		"n": "${input.count}", "text": "<${input.count}>", "plain": "x", "none": nil, "yes": true, "half": 1.5, "two": 2,
		"list": []any{"${input.orders[0]}", "${input.orders[1]}"}, "mixed": []any{1, "a"}, "empty": []any{},
	})
	require.Empty(t, problems)
	require.Equal(t, "{empty: [any], half: number, list: [{id: int, name: string}], mixed: [any], n: int, none: null, plain: string, text: string, two: int, yes: bool}", template.Type().Describe())
}

// The type of one step's output is what the next one is checked against.
func TestTypesAreUsed(t *testing.T) {
	t.Parallel()
	output, problems := typed(t).Template(map[string]any{"rows": "${input.count}", "regions": "${input.orders.map(o, o.name)}"})
	require.Empty(t, problems)
	env, err := expr.NewEnv(expr.Types{Steps: map[string]expr.Step{
		"one": {Output: output.Type()}, "each": {Output: expr.ListOf(output.Type(), true)},
	}})
	require.NoError(t, err)
	list, refused := env.Single("${steps.each.output}", expr.WantList)
	require.Empty(t, refused)
	require.Equal(t, "{regions: [string], rows: int}?", list.Type().Element().Describe())
	require.Nil(t, expr.Int().Element())
	for source, want := range map[string]string{
		"${steps.one.output.row}":                                 "did you mean `rows`?",
		"${steps.one.output.rows + 'a'}":                          "can't take an integer and a string",
		"${steps.one.output.regions.map(r, r + 1)}":               "can't take a string and an integer",
		"${steps.each.output.map(o, o.rows)}":                     "may be null",
		"${steps.each.output.filter(o, o != null || o.rows > 1)}": "may be null",
		"${steps.each.output.map(o, o == null ? o.rows : 0)}":     "may be null",
		"${steps.each.output.map(o, o.rows > 1 && o != null)}":    "may be null",
		"${steps.each.output.filter(o, o != null).map(o, o.row)}": "did you mean `rows`?",
	} {
		_, problems := env.Template(source)
		require.NotEmpty(t, problems[""], source)
		require.Contains(t, problems[""][0].Message, want, source)
	}
	for _, source := range []string{
		"${steps.each.output.filter(o, o != null).map(o, o.rows).sum()}", "${steps.each.output.map(o, o.?rows.orValue(0)).sum()}", "${steps.each.output[?0].?rows.orValue(0) + 1}",
		"${steps.each.output.filter(o, o != null && o.rows > 1).map(o, o.rows)}", "${steps.each.output.map(o, o == null ? 0 : o.rows)}", "${steps.each.output.map(o, o != null ? o.rows : 0)}",
		"${steps.each.output.all(o, null != o && o.rows > 1 && o.rows < 9)}", "${steps.each.output.map(o, o != null, o.rows)}",
	} {
		_, problems := env.Template(source)
		require.Empty(t, problems, source)
	}
}

// Whatever is known of a result before holds of it.
func TestTypesHold(t *testing.T) {
	t.Parallel()
	scope := scopeOf(t)
	scope["input"].(map[string]any)["labels"].(map[string]any)["no-such"] = "x"
	for _, r := range renderings {
		template, problems := typed(t).Template(r.template)
		require.Empty(t, problems)
		value, err := template.Render(scope)
		require.NoError(t, err)
		require.True(t, template.Type().Holds(value), "%s is %v, said to be %s", r.template, value, template.Type().Describe())
	}
	p := readPage(t)
	raw := json.RawMessage(`{"properties": {
		"from": {"type": "string"}, "count": {"type": "integer"}, "price": {"type": "number"}, "dry": {"type": "boolean"}, "note": {"type": ["string", "null"]},
		"tags": {"type": "array", "items": {"type": "string"}}, "labels": {"type": "object", "additionalProperties": {"type": "string"}},
		"orders": {"type": "array", "items": {"properties": {"id": {"type": "integer"}, "name": {"type": "string"}}}}
	}, "additionalProperties": true}`)
	env, err := expr.NewEnv(expr.Types{Input: expr.FromSchema(raw), Steps: map[string]expr.Step{
		"extract": {}, "load": {Output: expr.ListOf(expr.Int(), true)}, "review": {Skippable: true},
	}})
	require.NoError(t, err)
	for _, e := range p.examples {
		x, problems := env.Single("${"+e.source+"}", expr.WantAny)
		require.Empty(t, problems, e.source)
		value, err := x.Value(p.scope)
		require.NoError(t, err, e.source)
		require.True(t, x.Type().Holds(value), "%s is %v, said to be %s", e.source, value, x.Type().Describe())
	}
}
