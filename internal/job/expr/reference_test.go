package expr_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/job/expr"
)

func TestResolve(t *testing.T) {
	t.Parallel()
	root, err := expr.Decode([]byte(`{"$defs": {"a b": 1, "c/d": 2, "e~f": 3, "50%": 4}, "allOf": [5, {"x": 6}]}`))
	require.NoError(t, err)
	require.Equal(t, root, expr.Resolve(root, "#"))
	for ref, want := range map[string]any{
		"#/$defs/a%20b": int64(1), "#/%24defs/a b": int64(1), "#/$defs/c~1d": int64(2), "#/$defs/e~0f": int64(3), "#/$defs/50%": int64(4),
		"#/allOf/0": int64(5), "#/allOf/1/x": int64(6),
		"#/allOf/2": nil, "#/allOf/-1": nil, "#/allOf/x": nil, "#/allOf/0/x": nil, "#/nope": nil, "#a": nil, "": nil, "other.json#/a": nil,
	} {
		require.Equal(t, want, expr.Resolve(root, ref), ref)
	}
}

// What a reference means to the checks of an input it means to its expressions.
func TestReferencesGiveTypes(t *testing.T) {
	t.Parallel()
	input := expr.FromSchema(json.RawMessage(`{
		"type": "object",
		"properties": {
			"encoded": {"$ref": "#/$defs/a%20b"}, "listed": {"$ref": "#/allOf/0"}, "tree": {"$ref": "#/$defs/tree"},
			"circle": {"$ref": "#/$defs/circle"}, "nowhere": {"$ref": "#/$defs/nope"}
		},
		"allOf": [{"type": "integer"}],
		"$defs": {
			"a b": {"type": "string"}, "circle": {"$ref": "#/$defs/circle"},
			"tree": {"type": "object", "properties": {"name": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#/$defs/tree"}}}}
		}
	}`))
	env, err := expr.NewEnv(expr.Types{Input: input})
	require.NoError(t, err)
	deep := "${input.tree" + strings.Repeat(".children[0]", 40)
	for source, want := range map[string]string{
		"${input.encoded - 1}": "can't take a string and an integer",
		"${input.listed.x}":    "is an integer, which has no fields",
		deep + ".nam}":         "has no `nam` (did you mean `name`?)",
		deep + ".name}":        "",
		"${input.circle.x}":    "",
		"${input.nowhere.x}":   "",
	} {
		_, problems := env.Template(source)
		if want == "" {
			require.Empty(t, problems, source)
			continue
		}
		require.Contains(t, problems[""][0].Message, want, source)
	}
}

// A schema of 24 levels, each twelve times the next, has 12 to the 24th types if
// they aren't shared: the test would not end.
func TestTypesAreMadeOnce(t *testing.T) {
	t.Parallel()
	var defs []string
	for level := range 24 {
		var properties []string
		for i := range 12 {
			properties = append(properties, fmt.Sprintf(`"p%d": {"$ref": "#/$defs/d%d"}`, i, level+1))
		}
		defs = append(defs, fmt.Sprintf(`"d%d": {"type": "object", "properties": {%s}}`, level, strings.Join(properties, ",")))
	}
	input := expr.FromSchema(json.RawMessage(`{"$ref": "#/$defs/d0", "$defs": {` + strings.Join(defs, ",") + `, "d24": {"type": "string"}}}`))
	env, err := expr.NewEnv(expr.Types{Input: input})
	require.NoError(t, err)
	_, problems := env.Template("${input" + strings.Repeat(".p7", 24) + ".x}")
	require.Contains(t, problems[""][0].Message, "is a string, which has no fields")
}
