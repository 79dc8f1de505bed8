package job_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/schema"
)

func TestActionExamplesAreRight(t *testing.T) {
	t.Parallel()
	require.NotEmpty(t, job.ActionNames())
	for _, name := range job.ActionNames() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var contract struct {
				Name    string
				Effect  string
				Example json.RawMessage
			}
			require.NoError(t, json.Unmarshal(schema.Actions()[name], &contract))
			require.Equal(t, name, contract.Name)
			require.NotEmpty(t, contract.Effect)
			require.NotEmpty(t, contract.Example)

			load(t, fmt.Sprintf(`{"apiVersion":"fairlead/v1","name":"example","input":{"type":"object","additionalProperties":true},`+
				`"steps":[{"id":"a","uses":%q,"with":%s}]}`, name, contract.Example))
		})
	}
}

func TestEveryKeyOfTheGrammarIsDescribed(t *testing.T) {
	t.Parallel()
	var grammar map[string]any
	require.NoError(t, json.Unmarshal(schema.Job(), &grammar))
	requireDescribed(t, "", grammar)
}

// requireDescribed checks that editors have something to show for every key.
func requireDescribed(t *testing.T, path string, value any) {
	t.Helper()
	object, ok := value.(map[string]any)
	if !ok {
		return
	}
	properties, _ := object["properties"].(map[string]any)
	for name, property := range properties {
		described, ok := property.(map[string]any)
		require.True(t, ok)
		require.True(t, described["description"] != nil || described["$ref"] != nil, "%s/%s has no description", path, name)
	}
	for key, child := range object {
		requireDescribed(t, path+"/"+key, child)
	}
}
