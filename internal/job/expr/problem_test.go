package expr_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/job/expr"
)

func TestProblems(t *testing.T) {
	t.Parallel()
	cases := []struct{ template, at, want string }{
		// Variables and what they have.
		{"${input.fromm}", "fromm", "`input` has no `fromm` (did you mean `from`?); it has `count`,"},
		{"${input['fromm']}", "fromm", "did you mean `from`?"},
		{"${input.?fromm.orValue(1)}", "fromm", "did you mean `from`?"},
		{"${has(input.fromm)}", "fromm", "did you mean `from`?"},
		{"é ${input.fromm}", "fromm", "did you mean `from`?"},
		{"${input.orders.map(o, o.nme)}", "nme", "the value has no `nme` (did you mean `name`?)"},
		{"${input.orders[0].idd}", "idd", "did you mean `id`?"},
		{"${input.orders.id}", "id}", "`input.orders` is a list, which has no `id`"},
		{"${input.count.x}", "x}", "`input.count` is an integer, which has no fields"},
		{"${input.dry[0]}", "[0]", "`input.dry` is a boolean, which has no items"},
		{"${run.startedat}", "startedat", "did you mean `startedAt`?"},
		{"${inputt.x}", "inputt", "unknown name `inputt` (did you mean `input`?)"},
		{"${foo}", "foo", "a string is written in quotes"},
		{"${vars.x}", "vars", "`vars` is not available here: team variables are not supported by this build"},
		{"${now}", "now", "there is no clock"},
		{"${output.x}", "output", "`steps.<id>.output`"},
		// Steps.
		{"${steps.extrct.output}", "extrct", "there is no step `extrct` (did you mean `extract`?); visible here: `extract`, `maybe`"},
		{"${steps.later.output}", "later", "isn't an ancestor of this one, so its result may not be there yet: add `needs: [later]`"},
		{"${steps.latr.output}", "latr", "did you mean `later`?"},
		{"${steps.extract.outputs}", "outputs", "did you mean `output`?"},
		{"${steps.extract.output.statuss}", "statuss", "`steps.extract.output` has no `statuss` (did you mean `status`?)"},
		{"${steps.maybe.output.body}", "body", "write `steps.maybe.?output.?body.orValue(…)`"},
		{"${steps.maybe.output['body']}", "body", "may be skipped"},
		{"${steps.maybe.output[input.from]}", "[", "may be skipped"},
		{"${steps.maybe.?output.?bdy.orValue(1)}", "bdy", "did you mean `body`?"},
		{"${steps.extract.error.code}", "code", "`steps.extract.error` is null unless the step failed"},
		{"${steps}", "steps", "`steps` can't be used as a whole"},
		{"${steps[input.from].status}", "steps", "`steps` can't be used as a whole"},
		{"${steps.extract-later.output}", "later", "unknown name `later`"},
		{"${steps.extract-later.output}", "later", "names have no `-`"},
		// Types.
		{"${input.count + 'a'}", "+", "`+` can't take an integer and a string; it takes two numbers, two strings,"},
		{"${input.price * input.from}", "*", "`*` can't take a number and a string; it takes two numbers; convert"},
		{"${input.labels.team - 1}", "-", "`-` can't take a string and an integer"},
		{"${input.tags.map(x, x + 1)}", "+ 1", "`+` can't take a string and an integer"},
		{"${input.count > 'a'}", ">", "`>` can't take an integer and a string"},
		{"${input.count == 'a'}", "==", "`==` compares an integer with a string, which are never equal; convert"},
		{"${3 in ['a']}", "in", "`in` compares an integer with a string"},
		{"${input.count in input.from}", "in input.from", "a list or an object on its right"},
		{"${input.count && true}", "input.count", "expected a boolean, found an integer: `&&`, `||`"},
		{"${!input.from}", "!", "`!` can't take a string; it takes true or false"},
		{"${-input.from}", "-", "`-` can't take a string; it takes a number"},
		{"${input.price % 2}", "%", "`%` can't take a number and an integer; it takes two integers"},
		{"${input.from ? 1 : 2}", "?", "`? :` can't take"},
		{"${1.5.map(x, x)}", "1.5", "a number can't be gone through"},
		{"${input.?count + 1}", "+", "can't take an optional value: end it with .orValue(…) first"},
		{"${input.?free}", "input", "the result is an optional value: end it with .orValue(…)"},
		{"${type(1)}", "type", "the result is a type"},
		// Functions.
		{"${foo(1)}", "foo(1)", "unknown function `foo()`"},
		{"${input.from.startWith('a')}", "startWith('a')", "unknown function `startWith()` (did you mean `startsWith`?)"},
		{"${math.flor(1.5)}", "math", "unknown function `math.flor()` (did you mean `math.floor`?)"},
		{"${startOf(run.startedAt, 'day')}", "startOf(run", "`startOf()` can't take (a string, a string); it takes (a timestamp, a string) or"},
		{"${startOf(run.startedAt, 'day')}", "startOf(run", "convert the string with timestamp(…) or date(…)"},
		{"${timestamp('2026-01-05')}", "'2026", "a day alone is read by date('2026-01-05')"},
		{"${duration('1d')}", "'1d", "there are no days: write '24h'"},
		{"${'a'.matches('(')}", "'('", "no RE2 regular expression"},
		{"${google.protobuf.Timestamp{}}", "{}", "an object is written {'key': value}"},
		// Syntax.
		{"${}", "${}", "`${}` is empty"},
		{"a ${ }", "${ }", "`${}` is empty"},
		{"${input.from", "${", "`${` has no closing `}`"},
		{"a ${'b}", "'b", "no closing quote"},
		{"${'a\n'}", "'a", "no closing quote"},
		{"${1 // }", "${", "no closing `}`"},
		{"${1 +}", "}", "the expression ends too early"},
		{"${'a' 'b'}", "'b'", "the expression is complete before this"},
		{"${if}", "if", "a word of the language"},
		{"${input.}", "", "can't be read as an expression"},
		{"${" + strings.Repeat("(", 200) + strings.Repeat(")", 200) + "}", "", ""},
		{"${'" + strings.Repeat("x", 20_000) + "'}", "", "longer than 10000 characters"},
	}
	for _, c := range cases {
		t.Run(c.template[:min(len(c.template), 60)], func(t *testing.T) {
			t.Parallel()
			template, problems := typed(t).Template(c.template)
			require.Nil(t, template)
			require.NotEmpty(t, problems[""])
			var messages, places []string
			for _, p := range problems[""] {
				messages = append(messages, p.Message)
				require.LessOrEqual(t, p.Offset, len(c.template))
				places = append(places, c.template[p.Offset:])
				require.NotContains(t, p.Message, "overload")
				require.NotContains(t, p.Message, "@")
			}
			require.Contains(t, strings.Join(messages, "\n"), c.want)
			if c.at != "" {
				require.Contains(t, "\n"+strings.Join(places, "\n"), "\n"+c.at)
			}
		})
	}
}

func TestEveryProblemOfATemplate(t *testing.T) {
	t.Parallel()
	_, problems := typed(t).Template(map[string]any{
		"ok": "${input.from}", "a/b": "${input.fromm} ${input.count + 'a'} ${foo}",
		"list": []any{"${nope}"}, "${input.from}": 1, "bad": struct{}{},
	})
	require.Len(t, problems["/a~1b"], 3)
	require.Len(t, problems["/list/0"], 1)
	require.Contains(t, problems["/${input.from}"][0].Message, "a key is taken as it is")
	require.Contains(t, problems["/bad"][0].Message, "no JSON value")
	require.Len(t, problems, 4)
}

func TestConditionProblems(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"input.count > 1":              "write it as ${input.count > 1}",
		"${input.count}":               "a condition gives true or false; this gives an integer",
		"${true} && ${false}":          "nothing around it: write ${a && b}",
		"":                             "found nothing",
		"${true":                       "no closing",
		"true":                         "write it as ${true}",
		"  ${input.count > 'a'}":       "can't take an integer and a string",
		"${steps.extract.output.body.": "no closing",
	} {
		expression, problems := typed(t).Expression(source)
		require.Nil(t, expression, source)
		require.Len(t, problems, 1, source)
		require.Contains(t, problems[0].Message, want)
	}
	_, problems := typed(t).Expression("  ${inputt.x}")
	require.Equal(t, len("  ${"), problems[0].Offset)
}

// Where nothing is known, nothing is refused but what can't work on any value.
func TestUntyped(t *testing.T) {
	t.Parallel()
	env, err := expr.NewEnv(expr.Types{})
	require.NoError(t, err)
	for _, source := range []string{
		"${input.anything.at[0].all + 1}", "${steps.any.output.x == 'a'}", "${steps.any.error.code}", "${input + 'a'}", "${size(steps)}",
	} {
		_, problems := env.Template(source)
		require.Empty(t, problems, source)
	}
	_, problems := env.Template("${vars.x} ${1 + 'a'} ${run.nope}")
	require.Len(t, problems[""], 3)
}

func TestTemplateStopsLookingForProblems(t *testing.T) {
	t.Parallel()
	for name, template := range map[string]any{
		"in a list":         strings.Split(strings.Repeat("${nope} ", 1000), " "),
		"in one text":       strings.Repeat("${nope} ", 1000),
		"in one expression": "${[" + strings.Repeat("nope,", 1000) + "1]}",
	} {
		if list, ok := template.([]string); ok {
			items := make([]any, len(list))
			for i := range list {
				items[i] = list[i]
			}
			template = items
		}
		_, problems := typed(t).Template(template)
		found := 0
		for _, some := range problems {
			found += len(some)
		}
		require.Equal(t, expr.MaxProblems+1, found, name)
	}
}
