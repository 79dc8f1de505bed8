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
var arguments = []string{
	"0", "-1.5", "'a'", "true", "null", "[]", "[1]", "{'a': 1}", "input.orders", "input.free", "x", "1u", "optional.none()",
	"optional.of(1)", "input.?free", "(input.dry ? input.?free : input.?tags)", "input.?free.or(optional.of(''))",
}

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

// pairs are what is made of two values, A and B: what CEL knows of one says nothing of the other.
var pairs = []string{
	"A + B", "[A] + [B]", "[A, B][1]", "(input.dry ? A : B)", "[A].map(q, B)[0]", "[A].first().orValue(B)", "[A][?0].or(optional.of(B)).value()",
	"{'x': A}.?x.orValue(B)", "optional.of(A).orValue(B)", "optional.ofNonZeroValue(A).orValue(B)", "optional.of(A).or(optional.of(B)).value()",
	"optional.of(A).optMap(q, B).orValue(A)", "optional.of(A).optFlatMap(q, optional.of(B)).orValue(A)", "A.or(B).value()", "A.orValue(B)", "A.flatten().first().orValue(B)",
}

// TestWhatIsMadeOfTwo is either refused, or of the type that it is said to be of.
func TestWhatIsMadeOfTwo(t *testing.T) {
	t.Parallel()
	env, scope := typed(t), scopeOf(t)
	for _, pair := range pairs {
		for _, a := range arguments {
			for _, b := range arguments {
				source := strings.NewReplacer("A", "("+a+")", "B", "("+b+")").Replace(pair)
				x, _ := env.Single("${"+source+"}", expr.WantAny)
				if x == nil {
					continue
				}
				if value, err := x.Value(scope); err == nil {
					require.True(t, x.Type().Holds(value), "%s: %v is said to be %s", source, value, x.Type().Describe())
				}
			}
		}
	}
}
