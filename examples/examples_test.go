package examples_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/examples"
	"github.com/fairlead/fairlead/internal/job"
)

func TestEveryExampleIsValid(t *testing.T) {
	t.Parallel()
	entries, err := os.ReadDir(".")
	require.NoError(t, err)
	var folders []string
	for _, entry := range entries {
		if entry.IsDir() {
			folders = append(folders, entry.Name())
		}
	}
	require.ElementsMatch(t, folders, examples.Names())
	for _, name := range examples.Names() {
		source, err := examples.File(name)
		require.NoError(t, err)
		versions, err := job.Load(source)
		require.NoError(t, err, name)
		require.Len(t, versions, 1)
		require.Equal(t, name, versions[0].Definition.Name, "the folder has the job's name")
		require.Empty(t, versions[0].Warnings)
	}
	_, err = examples.File("none")
	require.Error(t, err)
}
