package expr_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/job/expr"
)

// arguments are a literal of each type, and what only evaluation knows.
var arguments = []string{"0", "-1.5", "'a'", "true", "null", "[]", "[1]", "{'a': 1}", "input.orders", "input.free", "x", "1u", "optional.none()"}

// calls are ways to call a function with 0 to 3 of the arguments.
func calls(name string) []string {
	tuples := []string{""}
	for _, a := range arguments {
		tuples = append(tuples, a, a+", "+a+", "+a)
		for _, b := range arguments {
			tuples = append(tuples, a+", "+b)
		}
	}
	var all []string
	for i, tuple := range tuples {
		all = append(all, fmt.Sprintf("%s(%s)", name, tuple))
		// Each tuple on some argument: all pairs are several seconds of work.
		if space, method, ok := strings.Cut(name, "."); ok {
			all = append(all, fmt.Sprintf("(%s).%s(%s)", space, method, tuple))
		} else {
			all = append(all, fmt.Sprintf("(%s).%s(%s)", arguments[i%len(arguments)], name, tuple))
		}
	}
	return all
}

// TestEveryFunctionTakesAnything calls every function, and what is none, with
// arguments of every number and type: each is refused, or gives what its type says.
func TestEveryFunctionTakesAnything(t *testing.T) {
	t.Parallel()
	names, err := expr.Functions()
	require.NoError(t, err)
	env, scope := typed(t), scopeOf(t)
	for name := range slices.Values(append(names, expr.Misnomers()...)) {
		for _, source := range calls(name) {
			x, problems := env.Single("${"+source+"}", expr.WantAny)
			if x == nil {
				require.NotEmpty(t, problems, source)
				continue
			}
			value, err := x.Value(scope)
			if err == nil {
				require.True(t, x.Type().Holds(value), "%s: %v is said to be %s", source, value, x.Type().Describe())
			}
		}
	}
}
