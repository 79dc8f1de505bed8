package expr_test

import (
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/job/expr"
)

// FuzzTemplate holds for any string: it is refused with problems inside it, or
// it renders the same with types, without them and over the pruned scope.
func FuzzTemplate(f *testing.F) {
	for _, r := range renderings {
		f.Add(r.template)
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
		whole := outcome(template.Render(scope))
		require.Equal(t, whole, outcome(expr.Render(text, scope)), "without types")
		require.Equal(t, whole, outcome(template.Render(expr.Prune(scope, template.Refs()))), "pruned")
	})
}
