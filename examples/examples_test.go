package examples_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/examples"
	"github.com/fairlead/fairlead/internal/job"
)

func TestEveryExampleIsValid(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*/job.yaml")
	require.NoError(t, err)
	var folders []string
	for _, file := range files {
		folders = append(folders, filepath.Dir(file))
	}
	require.ElementsMatch(t, folders, examples.Names())
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	for _, name := range examples.Names() {
		source, err := examples.File(name)
		require.NoError(t, err)
		versions, err := job.Load(source)
		require.NoError(t, err, name)
		last := versions[len(versions)-1]
		require.Equal(t, name, last.Definition.Name, "the folder has the job's name, or that of the parent, which is last")
		for _, version := range versions {
			require.Empty(t, version.Warnings, name)
		}
		require.Contains(t, string(readme), "("+name+"/job.yaml)")
	}
	_, err = examples.File("none")
	require.Error(t, err)
}
