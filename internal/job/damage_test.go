package job_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/job"
)

// absent stands for a value that is left out.
var absent = new(struct{})

// damages are what a value may have become.
var damages = []any{absent, nil, true, 1, -0.5, "", "x", "${", "${nope}", "${input}", []any{}, []any{nil}, []any{"x", map[string]any{}}, map[string]any{}, map[string]any{"x": nil}}

// TestLoadBearsAnyDamage leaves out every value of files that are right, and puts
// every kind of other value in its place: each is refused with places, or right too.
func TestLoadBearsAnyDamage(t *testing.T) {
	t.Parallel()
	sources := append(slices.Collect(maps.Values(rightFiles(t))), []byte(every))
	for _, source := range sources {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			var whole any
			require.NoError(t, yaml.Unmarshal(source, &whole))
			damage(whole, "", func(at string) {
				damaged, err := json.Marshal(whole)
				require.NoError(t, err)
				_, err = job.Load(damaged)
				if err == nil {
					return
				}
				var failed *job.Error
				require.ErrorAs(t, err, &failed, "%s: %s", at, damaged)
				require.Equal(t, job.CodeInvalidDefinition, failed.Code, at)
				require.NotEmpty(t, failed.Fields, at)
			})
		})
	}
}

// damage calls look with each damage of each value that is in another one.
func damage(value any, at string, look func(at string)) {
	switch value := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(value)) {
			there, place := value[key], at+"/"+key
			damage(there, place, look)
			for _, instead := range damages {
				if value[key] = instead; instead == absent {
					delete(value, key)
				}
				look(place)
			}
			value[key] = there
		}
	case []any:
		for i, there := range value {
			place := at + "/" + strconv.Itoa(i)
			damage(there, place, look)
			for _, instead := range damages[1:] { // nothing in its place is null
				value[i] = instead
				look(place)
			}
			value[i] = there
		}
	}
}
