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
		{"${secrets.x}", "secrets", "`secrets` is not available here: secrets are not supported by this build"},
		{"${callbacks.x}", "callbacks", "`callbacks` is not available here: it exists only in a step's `with`"},
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
		{"${input.from ? 1 : 2}", "?", "the condition before `?` gives true or false; this gives a string; compare it"},
		{"${1.5.map(x, x)}", "1.5", "a number can't be gone through"},
		{"${input.?count + 1}", "+", "can't take an optional value: end it with .orValue(…) first"},
		{"${input.?free}", "input", "the result is an optional value: end it with .orValue(…)"},
		{"${type(1)}", "type", "the result is a type"},
		// Objects.
		{"${ {'a': 1, 'a': 2} }", "'a': 2", "the object has the key \"a\" twice"},
		{"${ {1: 'a', '1': 'b'} }", "'1'", "the object has the key \"1\" twice"},
		{"${'%s'.format([{1: 'a', '1': 'b'}])}", "'1'", "the object has the key \"1\" twice"},
		{"${ {true: 1, ?'true': input.?from} }", "'true'", "the object has the key \"true\" twice"},
		{"${ {'a': 1}[input.count] }", "", "is an object, and no list"},
		// Functions.
		{"${foo(1)}", "foo(1)", "unknown function `foo()`"},
		{"${input.from.startWith('a')}", "startWith('a')", "unknown function `startWith()` (did you mean `startsWith`?)"},
		{"${math.flor(1.5)}", "math", "unknown function `math.flor()` (did you mean `math.floor`?)"},
		{"${startOf(run.startedAt, 'day')}", "startOf(run", "`startOf()` can't take (a string, a string); it takes (a timestamp, a string) or"},
		{"${startOf(run.startedAt, 'day')}", "startOf(run", "convert the string with timestamp(…) or date(…)"},
		{"${timestamp('2026-01-05')}", "'2026", "a day alone is read by date('2026-01-05')"},
		{"${duration('1d')}", "'1d", "there are no days: write '24h'"},
		{"${'a'.matches('(')}", "'('", "no RE2 regular expression"},
		{"${regex.extract('a', '(').orValue('')}", "'('", "regex.extract() has a pattern that is no RE2 regular expression"},
		{"${regex.replace('a', '[', '')}", "'['", "no RE2 regular expression"},
		{"${'a'.matches('" + strings.Repeat("a", 1001) + "')}", "'aaa", "the pattern is longer than 1000 bytes"},
		{"${'a'.matches(1)}", "matches(1)", "`matches()` can't take (a string, an integer); it takes (a string, a string)"},
		{"${[[1]].sort()}", "sort()", "`sort()` can't take"},
		{"${google.protobuf.Timestamp{}}", "{}", "an object is written {'key': value}"},
		{"${date('2026-13-01')}", "'2026", "date() reads a day such as '2026-01-05', found \"2026-13-01\""},
		{"${[1].chunk(0)}", "0)", "chunk() needs a size of 1 or more, found 0"},
		{"${input.tags.sum()}", "", "sum() adds numbers; the items of this list are each a string"},
		{"${['a'].sum()}", "", "sum() adds numbers"},
		{"${input.orders.sum()}", "", "the items of this list are each an object"},
		{"${input.labels.exists(k, v, k == 'a')}", "exists(", "`exists()` can't take this; it is written exists(x, condition)"},
		{"${input.tags.exists_one(x, y, x == 'a')}", "exists_one(", "it is written exists_one(x, condition)"},
		{"${input.tags.map(x)}", "map(", "it is written map(x, e) or map(x, condition, e)"},
		{"${has()}", "has(", "it is written has(a.b)"},
		{"${has(input)}", "", "it is written has(a.b)"},
		{"${input.tags.filter(x, x)}", "x)", "the condition of `filter()` gives true or false; this gives a string"},
		{"${input.tags.map(x, x, 1)}", "x, 1)", "the condition of `map()` gives true or false"},
		{"${input.tags.exists_one(x, x)}", "x)", "the condition of `exists_one()` gives true or false"},
		{"${input.count ? 1 : 2}", "?", "the condition before `?` gives true or false; this gives an integer"},
		{"${len(input.tags)}", "len(", "unknown function `len()`; write size(…)"},
		{"${input.tags.length()}", "length(", "write size(…)"},
		{"${input.from.toUpperCase()}", "toUpperCase(", "write upperAscii()"},
		{"${input.tags.any(t, t == 'a')}", "any(", "write exists(x, condition)"},
		{"${'%q'.format([1])}", "", "format() takes %s, %d"},
		{"${'%'.format([1])}", "", "a percent sign is written %%"},
		{"${input.tags.map(1, 2)}", "", "a name for the item is expected here"},
		// Null in a text.
		{"a ${null}", "null", "this is always null, which can't stand inside a longer string"},
		{"a ${steps.maybe.output}", "steps", "`steps.maybe.output` may be null, which can't stand inside a longer string: write `steps.maybe.output == null ? 'none' : steps.maybe.output`, or select"},
		{"a ${steps.extract.error}", "steps", "may be null"},
		// Syntax.
		{"${input.count = 3}", "= 3", "`=` is no operator: two values are compared with `==`"},
		{"${input.count => 3}", "=> 3", "`=>` is no operator: what is at least something is compared with `>=`"},
		{"${input.dry and true}", "and", "`and` is no operator: write `&&`"},
		{"${input.dry or true}", "or", "`or` is no operator: write `||`"},
		{"${not input.dry}", "input", "`not` is no operator: write `!`"},
		{"${input.count & 1}", "& 1", "`&` is no operator: write `&&`"},
		{"${(1, 2)}", ", 2", "`,` isn't expected here"},
		{"${1 # 2}", "# 2", "`#` is no sign of an expression"},
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
		{"${now()}", "now()", "unknown function `now()`: there is no clock in an expression; use `timestamp(run.startedAt)`"},
		{"${" + strings.Repeat("(", 200) + strings.Repeat(")", 200) + "}", "", "nested more than 100 deep"},
		{"${" + strings.Repeat("1+", 4000) + "1}", "", "nested more than 100 deep"},
		{"${" + strings.Repeat("a b ", 2000) + "}", "", "can't be read as an expression"},
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
		"$${input.dry}":                "one $ is to go, write ${input.dry}",
		"${true":                       "no closing",
		"true":                         "write it as ${true}",
		"  ${input.count > 'a'}":       "can't take an integer and a string",
		"${steps.extract.output.body.": "no closing",
	} {
		expression, problems := typed(t).Single(source, expr.WantBool)
		require.Nil(t, expression, source)
		require.Len(t, problems, 1, source)
		require.Contains(t, problems[0].Message, want)
	}
	_, problems := typed(t).Single("  ${inputt.x}", expr.WantBool)
	require.Equal(t, len("  ${"), problems[0].Offset)
}

// Where nothing is known, nothing is refused but what can't work on any value.
func TestUntyped(t *testing.T) {
	t.Parallel()
	env, err := expr.NewEnv(expr.Types{})
	require.NoError(t, err)
	for _, source := range []string{
		"${input.anything.at[0].all + 1}", "${vars.any.thing}", "${steps.any.output.x == 'a'}", "${steps.any.error.code}", "${input + 'a'}", "${size(steps)}",
	} {
		_, problems := env.Template(source)
		require.Empty(t, problems, source)
	}
	_, problems := env.Template("${secrets.x} ${1 + 'a'} ${run.nope}")
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
