package expr_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/job/expr"
)

func TestEvaluationFails(t *testing.T) {
	t.Parallel()
	cases := map[string]string{
		"${input.nope}":                     "there is no `nope`; for a value that may be missing write .?nope.orValue(…)",
		"${input.free.a.b}":                 "there is no `b`",
		"${input['no-such']}":               "write [?'no-such'].orValue(…)",
		"${input.tags[7]}":                  "the list has no item 7",
		"${input.free.a + 1}":               "`+` can't take null and an integer",
		"${input.from + 1}":                 "`+` can't take a string and an integer; convert the number with string(…)",
		"${input.from > 1}":                 "`>` was given values that it can't take",
		"${input.from.startsWith(run)}":     "`startsWith()` was given values that it can't take; it takes (a string, a string)",
		"${1 / 0}":                          "division by zero",
		"${9223372036854775807 + 1}":        "larger than an integer can be",
		"${[9223372036854775807, 1].sum()}": "sum() is larger than an integer can be",
		"${['a'].sum()}":                    "item 0 of the list is a string",
		"${[1].chunk(0)}":                   "chunk() needs a size of 1 or more",
		"${double('NaN')}":                  "which is no JSON number",
		"x ${input.free.a}":                 "the result is null, which can't stand inside a longer string",
		"${input.?nope}":                    "optional",
		"${ {1: 1, '1': 2} }":               `the key "1" twice`,
		"${ {1.5: 1} }":                     "an object's key is a string, found a number",
		"${date('2026-1-5')}":               `date() reads a day such as '2026-01-05', found "2026-1-5"`,
		"${json('{')}":                      "json(): not JSON",
		"${json(' ')}":                      "json(): no JSON value",
		"${json('1 2')}":                    "more text after the value",
		"${formatTime(timestamp(run.startedAt), 'foo')}":        `"f" in the pattern "foo" is unknown`,
		"${formatTime(timestamp(run.startedAt), \"'x\")}":       "isn't closed",
		"${startOf(timestamp(run.startedAt), 'mont')}":          "(did you mean `month`?)",
		"${startOf(timestamp(run.startedAt), 'day', 'Mars')}":   `"Mars" is no time zone`,
		"${addDays(timestamp(run.startedAt), 99999999999)}":     "out of range",
		"${addMonths(timestamp(run.startedAt), 999999)}":        "the year 85359 is out of range",
		"${lists.range(1000000).map(x, x)}":                     "too much work",
		"${lists.range(100000).map(x, toJson(lists.range(9)))}": "too much work",
		"${['x']" + strings.Repeat(".map(a, a + a)", 40) + "}":  "too much work",
		"${[1]" + strings.Repeat(".map(a, [a, a])", 30) + "}":   "larger than 16 MiB",
	}
	scope := scopeOf(t)
	for source, want := range cases {
		t.Run(source, func(t *testing.T) {
			t.Parallel()
			_, err := expr.Render(source, scope)
			require.ErrorContains(t, err, want)
		})
	}
}

func TestFailurePointer(t *testing.T) {
	t.Parallel()
	_, err := expr.Render(map[string]any{"a": "ok", "b/c": []any{"x", "${input.nope}"}}, scopeOf(t))
	var failed *expr.EvalError
	require.ErrorAs(t, err, &failed)
	require.Equal(t, "/b~1c/1", failed.Pointer)
	require.Equal(t, "input.nope", failed.Source)

	_, err = expr.Render(map[string]any{"b": "${1 +}", "a": "${nope(}"}, nil)
	require.ErrorContains(t, err, "/a: ")
	require.ErrorContains(t, err, "/b: ")
}

// The work of one evaluation is bounded, whatever its source and values.
func TestBounded(t *testing.T) {
	t.Parallel()
	started := time.Now()
	_, err := expr.Render("${input.l.map(a, input.l.map(b, input.l.map(c, a + b + c)))}",
		expr.Scope{"input": map[string]any{"l": make([]any, 1000)}})
	require.Error(t, err)
	require.Less(t, time.Since(started), 10*time.Second)
}
