package job_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/job/expr"
)

// What an expression means when a job is published it means when it is run,
// whatever other steps call their items: such a name is refused, or seen only there.
func TestTheItemOfAnotherStepChangesNothing(t *testing.T) {
	t.Parallel()
	const source = `
apiVersion: fairlead/v1
name: names
steps:
  - id: other
    foreach: {in: [1, 2], as: %s}
    steps:
      - {id: inner, uses: http, with: {url: "https://a.example"}}
  - id: mine
    if: "${sets.contains([1, 2], [1]) && math.abs(-1) == 1 && type(run.id) == string && int('1') == 1 && optional.of(1).hasValue() && 'a'.matches('a') && size([1]) == 1 && regex.replace('a', 'a', 'b') == 'b'}"
    uses: http
    with: {url: "https://a.example", text: "${strings.quote('a')}${base64.encode(b'a')}${lists.range(2)}"}
finally:
  - {id: last, foreach: {in: [1], as: x}, if: "${math.abs(-1) == 1 && type(1) == int}", uses: http, with: {url: "https://a.example"}}
`
	refused := []string{
		"sets", "math", "regex", "optional", "base64", "strings", "lists", "now",
		"bool", "bytes", "double", "int", "list", "map", "null_type", "string", "type", "uint",
	}
	for _, name := range refused {
		_, err := job.Load(fmt.Appendf(nil, source, name))
		require.ErrorContains(t, err, "`"+name+"` means something else in expressions", name)
	}
	// A job that is stored is run as it is, even with such a name.
	version := load(t, fmt.Sprintf(source, "size"))
	awkward := slices.Concat(refused, []string{"size", "matches", "has", "timestamp", "quote", "x"})
	for _, name := range awkward {
		stored := renamed(version.Canonical, "size", name)
		p, err := job.Open(stored)
		require.NoError(t, err)
		require.Equal(t, name, p.Step("other").Foreach.As)
		for _, step := range []string{"mine", "last"} {
			holds, err := p.Condition(step, expr.Scope{"run": map[string]any{"id": "run_1"}, "x": int64(1)})
			require.NoError(t, err, "%s beside %s", step, name)
			require.True(t, holds)
		}
		requireCompiles(t, p)
	}
}

// renamed is a stored job whose items have another name.
func renamed(canonical []byte, from, to string) []byte {
	return bytes.Replace(canonical, []byte(`"as":"`+from+`"`), []byte(`"as":"`+to+`"`), 1)
}
