package expr_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/job/expr"
)

// sources are texts that an expression may be made of.
func sources(tb testing.TB) []string {
	tb.Helper()
	seeds := []string{
		"", "1 +", "input.orders.map(o, o.id + 1.5).sum()", "1/0", "null", "`a`", "//", "[1].map(x, x)", "{'a':1}", "'", "\"\\", "a}", "steps", "vars.x", "[1].map(a, [a, a]).map(a, [a, a])",
		"input.free.matches(input.from)", "optional.of(1)", "type(1)", "input.?x", "b'x'", "1u", "timestamp(run.startedAt)", "input.tags", "input.dry", "region",
		"'a'.replace('', 'b')", "regex.replace('a', 'a*|b', 'c')", "lists.range(3)", "input.map(k, input[k])", "json(input.from)", "'%s'.format([input])", "[[1]].flatten()",
		"input.?labels.optMap(l,0).orValue('')",
	}
	for _, e := range readPage(tb).examples {
		seeds = append(seeds, e.source)
	}
	return seeds
}

// FuzzSingle holds for any text in `${…}` and whatever is wanted of it: it is
// refused, or what it gives is of the kind that is wanted and of the type that
// is known, the same when it is compiled late. It ends within the cost bound.
func FuzzSingle(f *testing.F) {
	for i, seed := range sources(f) {
		f.Add("${"+seed+"}", uint8(i))
	}
	for _, seed := range []string{"input.tags", "${input.tags} ${input.tags}", " ${input.tags} ", "", "2026-01-05T06:00:00Z"} {
		f.Add(seed, uint8(expr.WantTime))
	}
	env, scope := typed(f), scopeOf(f)
	f.Fuzz(func(t *testing.T, text string, n uint8) {
		if !utf8.ValidString(text) || len(text) > 300 {
			t.Skip("JSON has no such string, or it is only slow")
		}
		want := wants[int(n)%len(wants)]
		x, problems := env.Single(text, want)
		if x == nil {
			require.NotEmpty(t, problems)
			for _, p := range problems {
				require.NotEmpty(t, p.Message)
				require.GreaterOrEqual(t, p.Offset, 0)
				require.LessOrEqual(t, p.Offset, len(text))
			}
			return
		}
		value, err := x.Value(scope)
		if err == nil {
			require.True(t, x.Type().Holds(value), "%v is said to be %s", value, x.Type().Describe())
		}
		require.Equal(t, outcome(value, err), outcome(late(strings.TrimSpace(text), scope)), "compiled late")
		evaluateAs(t, x, want, scope, value, err)
	})
}

// evaluateAs evaluates to what is wanted: an *EvalError, or what Value gives.
func evaluateAs(t *testing.T, x *expr.Expression, want expr.Want, scope expr.Scope, value any, valueErr error) {
	t.Helper()
	var got any
	var err error
	switch want {
	case expr.WantBool:
		got, err = x.Bool(scope)
	case expr.WantTime:
		_, err = x.Time(scope)
		got = value
	case expr.WantAny, expr.WantList:
		return
	}
	if err != nil {
		var failed *expr.EvalError
		require.ErrorAs(t, err, &failed)
		return
	}
	require.NoError(t, valueErr)
	require.Equal(t, value, got)
}

// FuzzTemplate holds for any string: it is refused with problems inside it, or
// it renders the same with types, without them and over the pruned scope.
func FuzzTemplate(f *testing.F) {
	for _, r := range renderings {
		f.Add(r.template)
	}
	for _, seed := range sources(f) {
		f.Add("${" + seed + "}")
	}
	for _, seed := range []string{"${", "$${", "${'", "${a}}", "${[1].map(x, x)}", "${{'a':1}", "${\"\\", "${input.orders.map(o, o.id + 1.5).sum()}", "${1/0} ${null}", "${`a`}", "${//}"} {
		f.Add(seed)
	}
	env, scope := typed(f), scopeOf(f)
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) || len(text) > 300 {
			t.Skip("JSON has no such string, or it is only slow")
		}
		template, problems := env.Template(text)
		if template == nil {
			require.NotEmpty(t, problems[""])
			for _, p := range problems[""] {
				require.NotEmpty(t, p.Message)
				require.GreaterOrEqual(t, p.Offset, 0)
				require.LessOrEqual(t, p.Offset, len(text))
			}
			return
		}
		value, err := template.Render(scope)
		if err == nil {
			require.True(t, template.Type().Holds(value), "%v is said to be %s", value, template.Type().Describe())
		}
		whole := outcome(value, err)
		require.Equal(t, whole, outcome(late(text, scope)), "without types")
		require.Equal(t, whole, outcome(template.Render(expr.NewPruner(template.Refs()).Prune(scope))), "pruned")
	})
}
