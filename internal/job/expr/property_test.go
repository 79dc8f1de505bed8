package expr_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
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
	text := rapid.SampledFrom([]string{"input", "run", "steps"}).Draw(t, "root")
	for range rapid.IntRange(0, 4).Draw(t, "length") {
		name := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "name")
		text += fmt.Sprintf(rapid.SampledFrom([]string{".%s", "['%s']", ".?%s", "[?'%s']", "[0]", "[?0]", "[steps.%[1]s]"}).Draw(t, "how"), name)
	}
	return text
}

// source draws an expression around paths.
func source(t *rapid.T) string {
	shape := rapid.SampledFrom([]string{
		"%s", "optional.of(%s).orValue(1)", "[%s]", "size(%s)", "%s == %s", "%s in %s", "toJson(%s)", "%s.map(i, i)", "%s.map(i, %s[i])",
		"type(%s) == map", "has(input.a.b) ? %s : %s", "has(input.a) && has(run.b.c)", "%s.orValue(2)", "{'k': %s}", "%s + %s", "%s.all(i, i != null)",
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
	env, err := expr.NewEnv(expr.Types{})
	require.NoError(t, err)
	rapid.Check(t, func(t *rapid.T) {
		scope := expr.Scope{}
		for _, root := range []string{"input", "run", "steps"} {
			scope[root] = anyValue(3).Draw(t, root)
		}
		text := source(t)
		template, problems := env.Template("${" + text + "}")
		if len(problems) > 0 {
			t.Skip("not a valid expression:", text)
		}
		whole := outcome(template.Render(scope))
		pruned := expr.Prune(scope, template.Refs())
		require.Equal(t, whole, outcome(template.Render(pruned)), "%s\nrefs %v", text, template.Refs())
		require.Equal(t, outcome(pruned, nil), outcome(expr.Prune(pruned, template.Refs()), nil), "pruning again changes nothing")
		// What is passed on is passed as JSON.
		raw, err := json.Marshal(pruned)
		require.NoError(t, err)
		passed, err := expr.Decode(raw)
		require.NoError(t, err)
		require.Equal(t, whole, outcome(template.Render(passed.(map[string]any))))
	})
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
	}, expr.Prune(scope, []expr.Ref{
		{"input", "from", "x"},
		{"input", "nope"},
		{"nope", "x"},
		{"steps", "maybe", "output", "deep"},
		{"steps", "extract", "output", "body", "rows"},
		{"steps", "extract", "output", "body"},
	}))
	require.Empty(t, expr.Prune(scope, nil))
}

// Every expression gives the same result, 200 times.
func TestDeterministic(t *testing.T) {
	t.Parallel()
	object := map[string]any{}
	for i := range 30 {
		object["k"+strconv.Itoa(i)] = int64(i)
	}
	scope := scopeOf(t)
	scope["input"].(map[string]any)["free"] = object
	sources := []string{
		"${input.free.map(k, input.free[k])}", "${ {'d': 1, 'c': 2, 'b': 3, 'a': 4}.map(k, k)}", "x ${input.free}", "${toJson(input.free)}",
		"${json(toJson(input.free)).filter(k, k > 'k2')}", "${'%s'.format([input.free])}", "${input.free.map(k, input.free[k] / (input.free[k] - 7))}",
		"${ {'b': 1/0, 'a': input.nope} }", "${input.free.exists_one(k, k == 'k3')}", "${input.free.map(k, [k]).flatten()}",
	}
	for _, r := range renderings {
		sources = append(sources, r.template)
	}
	for _, source := range sources {
		t.Run(source, func(t *testing.T) {
			t.Parallel()
			env, err := expr.NewEnv(expr.Types{Roots: map[string]*expr.Type{"region": nil}})
			require.NoError(t, err)
			template, problems := env.Template(source)
			require.Empty(t, problems)
			first := outcome(template.Render(scope))
			for range 200 {
				require.Equal(t, first, outcome(template.Render(scope)))
			}
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
