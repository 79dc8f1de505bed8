package expr_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/job/expr"
)

// heavy is input whose work and size show when it is gone through often.
func heavy() expr.Scope {
	ints := make([]any, 30_000)
	for i := range ints {
		ints[i] = int64(i)
	}
	return expr.Scope{"input": map[string]any{"ints": ints, "big": strings.Repeat("a", 1<<20), "small": "x"}}
}

func repeated(value any, n int) []any {
	list := make([]any, n)
	for i := range list {
		list[i] = value
	}
	return list
}

// What the expressions of one value do and give is bounded together, however
// little each of them does.
func TestBoundedTogether(t *testing.T) {
	t.Parallel()
	const work, size = "too much work together", "larger than 48 MiB in memory, with the others"
	counting, growing := "${input.ints.filter(i, i % 2 == 0).size()}", "${input.big.replace('a', 'b')}"
	for name, c := range map[string]struct {
		value any
		want  string
	}{
		"work in a list":          {repeated(counting, 1000), work},
		"work in an object":       {map[string]any{"a": repeated(counting, 500), "b": map[string]any{"c": repeated(counting, 500)}}, work},
		"work in a text":          {strings.Repeat(counting, 1000), work},
		"size in a list":          {repeated(growing, 1000), size},
		"size in a text":          {strings.Repeat(growing, 1000), size},
		"size of what is not new": {repeated("${input.big}", 1000), size},
		"many values":             {repeated("${input.ints}", 1000), size},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := late(c.value, heavy())
			var failed *expr.EvalError
			require.ErrorAs(t, err, &failed)
			require.Contains(t, failed.Message, c.want)
		})
	}
	for _, value := range []any{
		repeated("${input.small}", 1000), repeated(counting, 5), repeated("${input.big}", 20), strings.Repeat("${input.big}", 10), repeated("${input.ints}", 20),
	} {
		_, err := late(value, heavy())
		require.NoError(t, err)
	}
}

// A shared budget is used up by one value after the other, and each call of Render has its own.
func TestRenderWithin(t *testing.T) {
	t.Parallel()
	env, err := expr.NewEnv(expr.Types{})
	require.NoError(t, err)
	template, problems := env.Template("${input.big}")
	require.Empty(t, problems)
	scope, budget := heavy(), expr.NewBudget()
	rendered := 0
	for ; err == nil && rendered < 1000; rendered++ {
		_, err = template.RenderWithin(scope, budget)
	}
	require.ErrorContains(t, err, "larger than 48 MiB")
	require.Equal(t, 24, rendered, "the last of them is refused: each takes a little over 2 MiB")
	_, err = template.Render(scope)
	require.NoError(t, err)
}
