package expr_test

import (
	"strconv"
	"strings"
	"testing"

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
		"${[dyn('a')].sum()}":               "item 0 of the list is a string",
		"${timestamp('9999-12-31T23:59:59Z') + duration('48h')}": "the timestamp is out of range: it can have the years 1 to 9999",
		"${[1].chunk(0)}":               "chunk() needs a size of 1 or more",
		"${[1, 'a'].sort()}":            "sorting takes values of one type that has an order, found an integer and a string",
		"${[1, null].sort()}":           "found an integer and null",
		"${input.orders.sort()}":        "found an object and an object",
		"${[0.0 / 0.0].sort()}":         "sorting takes values of one type that has an order",
		"${double('NaN')}":              "which is no JSON number",
		"x ${input.free.a}":             "the result is null, which can't stand inside a longer string",
		"${input.?nope}":                "optional",
		"${ {input.count: 1, '3': 2} }": `the object has the key "3" twice`,
		"${ {1.5: 1} }":                 "an object's key is a string, found a number",
		"${date('2026-1-5')}":           `date() reads a day such as '2026-01-05', found "2026-1-5"`,
		"${json('{')}":                  "json(): not JSON",
		"${json(' ')}":                  "json(): no JSON value",
		"${json('1 2')}":                "more text after the value",
		"${formatTime(timestamp(run.startedAt), 'foo')}":                 `"f" in the pattern "foo" is unknown`,
		"${formatTime(timestamp(run.startedAt), \"'x\")}":                "isn't closed",
		"${startOf(timestamp(run.startedAt), 'mont')}":                   "(did you mean `month`?)",
		"${startOf(timestamp(run.startedAt), 'day', 'Mars')}":            `"Mars" is no time zone`,
		"${ {input.from: 1, input.from: 2} }":                            `the object has the key "2026-01-05" twice`,
		"${'%s'.format([{input.count: 'a', string(input.count): 'b'}])}": `the object has the key "3" twice`,
		"${ {1: 1, '1': 2} }":                                            `the object has the key "1" twice`,
		"${ {input.tags: 1, 'a': 2} }":                                   "an object's key is a string, found a list",
		"${ {?input.from: input.from, 'a': 2} }":                         "optional",
		"${timestamp(run.startedAt).getDate('Mars')}":                    `"Mars" is no time zone`,
		"${startOf(timestamp(run.startedAt), 'day', 'Local')}":           `"Local" is no time zone`,
		"${addDays(timestamp(run.startedAt), 99999999999)}":              "out of range",
		"${addMonths(timestamp(run.startedAt), 999999)}":                 "the year 85359 is out of range",
		"${lists.range(1000000).map(x, x)}":                              "too much work",
		"${lists.range(100000).map(x, toJson(lists.range(9)))}":          "too much work",
		"${['x']" + strings.Repeat(".map(a, a + a)", 40) + "}":           "too much work",
		"${[1]" + strings.Repeat(".map(a, [a, a])", 30) + "}":            "larger than 48 MiB",
	}
	scope := scopeOf(t)
	for source, want := range cases {
		t.Run(source, func(t *testing.T) {
			t.Parallel()
			_, err := late(source, scope)
			require.ErrorContains(t, err, want)
		})
	}
}

func TestFailurePointer(t *testing.T) {
	t.Parallel()
	_, err := late(map[string]any{"a": "ok", "b/c": []any{"x", "${input.nope}"}}, scopeOf(t))
	var failed *expr.EvalError
	require.ErrorAs(t, err, &failed)
	require.Equal(t, "/b~1c/1", failed.Pointer)
	require.Equal(t, "input.nope", failed.Source)

	_, err = late(map[string]any{"b": "${1 +}", "a": "${nope(}"}, nil)
	require.ErrorContains(t, err, "/a: ")
	require.ErrorContains(t, err, "/b: ")
}

// Whatever the source and the values, an evaluation ends within its bound: what
// would go far beyond it is refused before it begins.
func TestBounded(t *testing.T) {
	t.Parallel()
	numbers, texts := make([]any, 100_000), make([]any, 20_000)
	for i := range numbers {
		numbers[i] = int64(i % 1000)
	}
	for i := range texts {
		texts[i] = "key" + strconv.Itoa(i)
	}
	scope := expr.Scope{"run": map[string]any{"startedAt": "2026-01-01T00:00:00Z"}, "input": map[string]any{
		"big": strings.Repeat("a", 1<<20), "l": numbers, "small": numbers[:3000], "s": texts, "n": int64(1_000_000),
	}}
	doubled := "[1]" + strings.Repeat(".map(a, [a, a])", 40)
	for _, source := range []string{
		// Text that is far larger than what it is made of.
		"input.big.replace('', input.big)", "input.big.replace('a', input.big)", "input.s.map(x, input.big).join()", "input.big.split('').join(input.big)",
		"regex.replace(input.big, '', input.big)", "regex.replace(input.big, '(a+)', r'\\1' + input.big.replace('a', r'\\1'))",
		"'%s'.format([input.s.map(x, input.big)])", "input.s.map(x, input.big + x).size()", "toJson(input.small.map(x, input.l)).size()",
		// Lists, and what goes through them many times.
		"input.l.map(x, input.l).flatten()", "lists.range(input.n).map(x, lists.range(input.n))", "input.small.map(x, input.l.chunk(1)).size()",
		"input.l.distinct()", "input.s.distinct()", "sets.contains(input.l, input.l)", "sets.equivalent(input.l, input.l)", "input.l.hasAll(input.l)",
		"input.small.map(x, input.s.sort()).size()", "input.small.map(x, input.l.sortBy(y, y)).size()", "(input.l + input.l + input.l).sort()",
		"input.small.all(x, !(1.5 in input.l))", "input.small.map(x, input.l == input.l)", "input.small.map(x, json(toJson(input.l)).size())",
		"input.l.map(x, input.l.map(y, x + y))", "input.small.map(x, input.s.map(y, x)).size()",
		// Values that have themselves inside many times over.
		doubled + " == " + doubled, doubled + " in [" + doubled + "]", doubled + ".flatten(50)", "'%s'.format(" + doubled + ")",
		// Patterns.
		"input.big.matches('(.*)(.*)(.*)(.*)(.*)[^a]')", "input.big.matches('((a{1,100}){1,9})b')", "regex.extractAll(input.big, 'a*b|a')",
		"regex.replace(input.big, 'a*b|a', '')", "regex.extractAll(input.big, r'\\Ba*b|a')", "input.l.map(x, string(x).matches('((a{1,100}){1,9})' + string(x)))",
		"'a'.matches(lists.range(200).map(x, 'a{1000}').join())",
		// Time zones are read anew each time.
		"input.l.map(x, timestamp(run.startedAt).getHours('Europe/Paris'))", "input.l.map(x, formatTime(timestamp(run.startedAt), 'yyyy', 'Europe/Paris'))",
	} {
		t.Run(source[:min(len(source), 80)], func(t *testing.T) {
			t.Parallel()
			_, err := late("${"+source+"}", scope)
			require.ErrorContains(t, err, "too much work")
		})
	}
	for source, want := range map[string]any{
		"input.big.matches('^(a+)+$')": true, "input.s.map(x, x in input).size()": int64(20_000), "input.big.matches('(a|aa)+')": true, "regex.extractAll(input.big, '(a+?)+').size()": int64(1),
		"input.l.sum()": int64(49_950_000), "input.s.sort()[1]": "key1", "input.small.sortBy(x, -x)[0]": int64(999), "sets.contains(input.l, [7])": true,
		"input.l.slice(0, 900).distinct().size()": int64(900), "999 in input.l": true, "input.l == input.l": true, "input.s.join(',').size()": int64(168889),
		"regex.replace(input.s.join(' '), '[0-9]+', '').size()": int64(79999), "input.big.replace('a', 'bb').size()": int64(2 << 20),
		"regex.replace('key1 key2', r'\\bkey(\\d)', r'\\1')": "1 2",
	} {
		value, err := late("${"+source+"}", scope)
		require.NoError(t, err, source)
		require.Equal(t, want, value, source)
	}
}

// A list that + makes costs the same however long it is, so that its length is bounded.
func TestBoundedConcatenation(t *testing.T) {
	t.Parallel()
	_, err := late("${input.l"+strings.Repeat(".map(a, [a + a])[0]", 40)+"}", expr.Scope{"input": map[string]any{"l": []any{[]any{int64(1)}}}})
	require.ErrorContains(t, err, "longer than 1000000 items")
}
