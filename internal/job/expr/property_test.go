package expr_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fairlead/fairlead/internal/job/expr"
)

// names are few, so that what is selected is often there.
var names = rapid.SampledFrom([]string{"a", "b", "c", "x-y"})

// anyValue draws a JSON value of a given depth in the model of Decode.
func anyValue(depth int) *rapid.Generator[any] {
	scalars := []*rapid.Generator[any]{
		rapid.Just[any](nil), rapid.Bool().AsAny(), rapid.Int64().AsAny(), rapid.SampledFrom([]string{"", "a", "é", "${"}).AsAny(),
		rapid.Custom(func(t *rapid.T) any { return rapid.Float64Range(-10, 10).Draw(t, "float") + 0.5e-7 }),
	}
	if depth == 0 {
		return rapid.OneOf(scalars...)
	}
	return rapid.OneOf(append(scalars,
		rapid.MapOfN(names, anyValue(depth-1), 0, 4).AsAny(), rapid.MapOfN(names, anyValue(depth-1), 1, 4).AsAny(),
		rapid.SliceOfN(anyValue(depth-1), 0, 3).AsAny())...)
}

// path draws a selection from a root.
func path(t *rapid.T) string {
	text := rapid.SampledFrom([]string{"input", "item", "steps"}).Draw(t, "root")
	for range rapid.IntRange(0, 4).Draw(t, "length") {
		name := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "name")
		text += fmt.Sprintf(rapid.SampledFrom([]string{".%s", "['%s']", ".?%s", "[?'%s']", "[0]", "[?0]", "[steps.%[1]s]"}).Draw(t, "how"), name)
	}
	if strings.Contains(text, "?") && rapid.IntRange(0, 9).Draw(t, "ended") > 0 {
		text += ".orValue(null)"
	}
	return text
}

// source draws an expression around paths.
func source(t *rapid.T) string {
	shape := rapid.SampledFrom([]string{
		"%s", "optional.of(%s).orValue(1)", "[%s]", "size(%s)", "%s == %s", "%s in %s", "toJson(%s)", "%s.map(i, i)", "%s.map(i, %s[i])",
		"type(%s) == map", "has(input.a.b) ? %s : %s", "has(input.a) && has(item.b.c)", "%s.orValue(2)", "{'k': %s}", "%s + %s", "%s.all(i, i != null)",
	}).Draw(t, "shape")
	args := []any{}
	for i := 0; i+1 < len(shape); i++ {
		if shape[i:i+2] == "%s" {
			args = append(args, path(t))
		}
	}
	return fmt.Sprintf(shape, args...)
}

// outcome is a result, or the error's text, in one comparable value.
func outcome(value any, err error) string {
	if err != nil {
		return "error: " + err.Error()
	}
	text, err := json.Marshal(value)
	return fmt.Sprint(string(text), err)
}

// What an expression refers to is all that it needs.
func TestPrunedRendersTheSame(t *testing.T) {
	t.Parallel()
	env, err := expr.NewEnv(expr.Types{Roots: map[string]*expr.Type{"item": nil}})
	require.NoError(t, err)
	drawn, compiled := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		drawn++
		scope := expr.Scope{}
		for _, root := range []string{"input", "item", "steps"} {
			scope[root] = anyValue(3).Draw(t, root)
		}
		text := source(t)
		template, problems := env.Template("${" + text + "}")
		for range 4 { // about half of what is drawn selects from an optional value plainly, or the like
			if len(problems) == 0 {
				break
			}
			text = source(t)
			template, problems = env.Template("${" + text + "}")
		}
		if len(problems) > 0 {
			return
		}
		compiled++
		whole := outcome(template.Render(scope))
		pruned := expr.NewPruner(template.Refs()).Prune(scope)
		require.Equal(t, whole, outcome(template.Render(pruned)), "%s\nrefs %v", text, template.Refs())
		require.Equal(t, outcome(pruned, nil), outcome(expr.NewPruner(template.Refs()).Prune(pruned), nil), "pruning again changes nothing")
		// What is passed on is passed as JSON.
		raw, err := json.Marshal(pruned)
		require.NoError(t, err)
		direct, err := expr.NewPruner(template.Refs()).JSON(scope)
		require.NoError(t, err)
		require.Equal(t, string(raw), string(direct))
		passed, err := expr.Decode(raw)
		require.NoError(t, err)
		require.Equal(t, whole, outcome(template.Render(passed.(map[string]any))))
	})
	require.Greater(t, compiled, drawn/2, "most of what is drawn compiles")
}

func TestPrune(t *testing.T) {
	t.Parallel()
	scope := scopeOf(t)
	require.Equal(t, expr.Scope{
		"input": map[string]any{"from": "2026-01-05"},
		"steps": map[string]any{
			"maybe":   map[string]any{"output": nil},
			"extract": map[string]any{"output": map[string]any{"body": map[string]any{"rows": int64(12)}}},
		},
	}, expr.NewPruner([]expr.Ref{
		{"input", "from", "x"},
		{"input", "nope"},
		{"nope", "x"},
		{"steps", "maybe", "output", "deep"},
		{"steps", "extract", "output", "body", "rows"},
		{"steps", "extract", "output", "body"},
	}).Prune(scope))
	require.Empty(t, expr.NewPruner(nil).Prune(scope))
}

// What is pruned is encoded as json.Marshal does it: sorted by name, with its escapes.
func TestPruneToJSON(t *testing.T) {
	t.Parallel()
	scope := expr.Scope{
		"steps": map[string]any{"a<b": map[string]any{"é\u2028": "<&>"}, "z": nil, "m": map[string]any{}, "A": 1e21},
		"input": map[string]any{"b": []any{int64(1), 0.5, true}, "a": "text", "unseen": 1},
		"run":   "no object",
	}
	pruner := expr.NewPruner([]expr.Ref{
		{"steps", "a<b", "é\u2028"},
		{"steps", "z", "x"},
		{"steps", "m", "x"},
		{"steps", "A"},
		{"input", "b"},
		{"input", "a"},
		{"run", "id"},
		{"nothing"},
	})
	want, err := json.Marshal(pruner.Prune(scope))
	require.NoError(t, err)
	got, err := pruner.JSON(scope)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))

	got, err = expr.NewPruner(nil).JSON(scope)
	require.NoError(t, err)
	require.Equal(t, "{}", string(got))
	_, err = expr.NewPruner([]expr.Ref{{"f"}}).JSON(expr.Scope{"f": math.NaN()})
	require.Error(t, err)
}

// Every expression gives the same result, 200 times, and each time that it is compiled.
func TestDeterministic(t *testing.T) {
	t.Parallel()
	object := map[string]any{}
	for i := range 30 {
		object["k"+strconv.Itoa(i)] = int64(i)
	}
	scope, p := scopeOf(t), readPage(t)
	scope["input"].(map[string]any)["free"] = object
	scopes := map[string]expr.Scope{}
	for _, source := range []string{
		"${input.free.map(k, input.free[k])}", "${ {'d': 1, 'c': 2, 'b': 3, 'a': 4}.map(k, k)}", "x ${input.free}", "${toJson(input.free)}",
		"${json(toJson(input.free)).filter(k, k > 'k2')}", "${'%s'.format([input.free])}", "${input.free.map(k, input.free[k] / (input.free[k] - 7))}",
		"${ {'b': 1/0, 'a': input.nope} }", "${input.free.exists_one(k, k == 'k3')}", "${input.free.map(k, [k]).flatten()}",
		"${input.free.all(k, 1 / (input.free[k] - 7) > 5 || k == 'k3')}", "${input.free.exists(k, 1 / (input.free[k] - 7) > 5)}", "${sha256(toJson(input.free))}",
		"${input.free.map(k, k).sort() == input.free.map(k, k)}", "${input.free == json(toJson(input.free))}", "${input.free in [input.free]}",
		"${input.free.map(k, input.free[k] > 3, k).join(',')}", "${input.free.map(k, k).sortBy(k, -input.free[k])}", "${math.greatest(input.free.map(k, input.free[k]))}",
		"${sets.equivalent(input.free.map(k, k), input.free.map(k, k).reverse())}", "${input.free.map(k, input.free[k] * 0.1).sum()}", "${input.free.map(k, input.map(j, j)).distinct()}",
		"${input.free.map(k, regex.replace(k, '([0-9]+)', r'<\\1>'))}", "${[input.free.?nope, input.free.?k1, input.free.?k2].unwrapOpt()}", "${strings.quote(toJson(input.free))}",
		"${input.free.map(k, addDays(date('2026-03-20'), input.free[k], 'Europe/Paris'))}", "${input.free.map(k, formatTime(addMonths(date('2026-01-31'), input.free[k]), 'EEEE d MMMM yyyy'))}",
		"${input.free.map(k, duration(string(input.free[k]) + 'm')).map(d, string(d))}", "${input.free.map(k, {k: input.free[k]})}", "${'%s'.format([{1: 'a', '2': 'b'}])}",
		"${input.free.map(k, {k: 1, 'k1': 2})}", "${'%s'.format([{input.count: 'a', string(input.count): 'b'}])}", "${'%s'.format([{input.count: 'a', true: 'b', 'c': 1, 'd': 2}])}", "${input.free.map(k, input.free[k]).chunk(7).map(c, c.sum())}",
	} {
		scopes[source] = scope
	}
	for _, r := range renderings {
		scopes[r.template] = scope
	}
	for _, e := range p.examples {
		scopes["${"+e.source+"}"] = p.scope
	}
	require.Greater(t, len(scopes), 200)
	env, err := expr.NewEnv(expr.Types{Roots: map[string]*expr.Type{"region": nil}})
	require.NoError(t, err)
	for source, scope := range scopes {
		t.Run(source, func(t *testing.T) {
			t.Parallel()
			template, problems := env.Template(source)
			require.Empty(t, problems)
			first := outcome(template.Render(scope))
			for range 200 {
				require.Equal(t, first, outcome(template.Render(scope)))
			}
			require.Equal(t, first, outcome(late(source, scope)))
		})
	}
}

func TestIntegersAreExact(t *testing.T) {
	t.Parallel()
	template, problems := typed(t).Template(map[string]any{"alone": "${input.count}", "in": "<${input.count}>", "sum": "${[input.count].sum()}", "same": "${input.count == json(toJson(input.count))}"})
	require.Empty(t, problems)
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64().Draw(t, "n")
		text := strconv.FormatInt(n, 10)
		decoded, err := expr.Decode([]byte(text))
		require.NoError(t, err)
		require.Equal(t, n, decoded)
		got, err := template.Render(expr.Scope{"input": map[string]any{"count": decoded}})
		require.NoError(t, err)
		require.Equal(t, map[string]any{"alone": n, "in": "<" + text + ">", "sum": n, "same": true}, got)
	})
}

// An integer with a double is what the two doubles give.
func TestMixedArithmetic(t *testing.T) {
	t.Parallel()
	operations := map[string]func(a, b float64) float64{
		"+": func(a, b float64) float64 { return a + b }, "-": func(a, b float64) float64 { return a - b },
		"*": func(a, b float64) float64 { return a * b }, "/": func(a, b float64) float64 { return a / b },
	}
	for symbol, operation := range operations {
		template, problems := typed(t).Template([]any{"${input.count " + symbol + " input.price}", "${input.price " + symbol + " input.count}", "${input.count < input.price}"})
		require.Empty(t, problems)
		rapid.Check(t, func(t *rapid.T) {
			n := rapid.Int64Range(-1e15, 1e15).Filter(func(n int64) bool { return n != 0 }).Draw(t, "n")
			f := rapid.Float64Range(-1e6, 1e6).Filter(func(f float64) bool { return math.Abs(f) > 1e-3 && f != math.Trunc(f) }).Draw(t, "f")
			got, err := template.Render(expr.Scope{"input": map[string]any{"count": n, "price": f}})
			require.NoError(t, err)
			list := got.([]any)
			require.Equal(t, number(operation(float64(n), f)), list[0])
			require.Equal(t, number(operation(f, float64(n))), list[1])
			require.Equal(t, float64(n) < f, list[2])
		})
	}
}

// number is a double in the model of Decode.
func number(f float64) any {
	if f == math.Trunc(f) && math.Abs(f) < 1<<63 {
		return int64(f)
	}
	return f
}

// Strings without expressions come back as they are, and `$${` as `${`.
func TestLiteralText(t *testing.T) {
	t.Parallel()
	env := typed(t)
	rapid.Check(t, func(t *rapid.T) {
		pieces := rapid.SliceOf(rapid.SampledFrom([]string{"$", "{", "}", "a", "é", "\n", "$${", "'"})).Draw(t, "pieces")
		text, want := "", ""
		for _, p := range pieces {
			if (p == "{" || p == "$${") && len(text) > 0 && text[len(text)-1] == '$' {
				text, want = text+" ", want+" "
			}
			text += p
			if p == "$${" {
				p = "${"
			}
			want += p
		}
		template, problems := env.Template(text)
		require.Empty(t, problems)
		got, err := template.Render(nil)
		require.NoError(t, err)
		require.Equal(t, want, got)
	})
}
