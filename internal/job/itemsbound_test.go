package job_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/job/expr"
)

// The items of a foreach, the list and all keys, are computed within one bound.
func TestItemsAreBoundedTogether(t *testing.T) {
	t.Parallel()
	ints := make([]any, 30_000)
	for i := range ints {
		ints[i] = int64(i)
	}
	counting := `input.ints.filter(i, i % 2 == 0).size()`
	items := func(in, key string) ([]job.Item, error) {
		program, err := job.Open([]byte(`{"job": "j", "steps": [{"id": "each", "uses": "fail", "with": {"message": "x"}, "foreach": {"in": ` + in + `, "as": "x"` + key + `}}]}`))
		require.NoError(t, err)
		return program.Items("each", expr.Scope{"input": map[string]any{"ints": ints}})
	}
	for name, c := range map[string][2]string{
		"keys":          {`"${lists.range(1000)}"`, `, "key": "${x}-${` + counting + `}"`},
		"list":          {`["${` + counting + `}"` + strings.Repeat(`, "${`+counting+`}"`, 999) + `]`, ""},
		"list and keys": {`["${` + counting + `}"` + strings.Repeat(`, "${`+counting+`}"`, 7) + `]`, `, "key": "${index}-` + strings.Repeat("${"+counting+"}", 4) + `"`},
	} {
		_, err := items(c[0], c[1])
		require.ErrorContains(t, err, "too much work together", name)
	}
	found, err := items(`"${lists.range(1000)}"`, `, "key": "${x}-${input.ints.size()}"`)
	require.NoError(t, err)
	require.Equal(t, "999-30000", found[999].Key)
}
