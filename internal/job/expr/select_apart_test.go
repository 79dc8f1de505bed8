package expr_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/job/expr"
)

func TestStepsApartSayWhy(t *testing.T) {
	t.Parallel()
	env, err := expr.NewEnv(expr.Types{
		Steps: map[string]expr.Step{"load": {Skippable: true, Because: "may have failed"}},
		Apart: map[string]string{"copy": "step `copy` is inside the group `load`"},
	})
	require.NoError(t, err)
	for src, says := range map[string]string{
		"${steps.copy.output}":        "step `copy` is inside the group `load`",
		"${steps.copi.output}":        "did you mean `copy`?",
		"${steps.load.output.status}": "step `load` may have failed, and its output is null then",
	} {
		_, problems := env.Single(src, expr.WantAny)
		require.Len(t, problems, 1, src)
		require.Contains(t, problems[0].Message, says)
	}
}

func TestTypesAsJSONSchemaNamesThem(t *testing.T) {
	t.Parallel()
	object := expr.FromSchema([]byte(`{"type":"object","properties":{
		"flag":{"type":"boolean"},"count":{"type":"integer"},"share":{"type":"number"},"name":{"type":"string"},
		"list":{"type":"array"},"none":{"type":"null"},"any":{}}}`))
	require.Equal(t, "object", object.JSONType())
	for name, want := range map[string]string{
		"flag": "boolean", "count": "integer", "share": "number", "name": "string", "list": "array", "none": "null", "any": "", "other": "",
	} {
		require.Equal(t, want, object.Property(name).JSONType(), name)
	}
	require.Empty(t, expr.ListOf(expr.Int(), true).Element().JSONType(), "it may be null")
}
