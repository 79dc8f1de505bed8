package job_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/job"
)

// FuzzLoad reads any file: it is refused with places, or it is a job whose
// canonical form is stable, opens, and has expressions that compile without their types, too.
func FuzzLoad(f *testing.F) {
	files, err := filepath.Glob("testdata/wrong/*.yaml")
	require.NoError(f, err)
	for _, file := range files {
		source, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(source)
	}
	for _, source := range rightFiles(f) {
		f.Add(source)
	}
	f.Add([]byte(program))
	f.Add([]byte(every))
	f.Add([]byte(inputJob))
	f.Fuzz(func(t *testing.T, source []byte) {
		versions, err := job.Load(source)
		if err != nil {
			var failed *job.Error
			require.ErrorAs(t, err, &failed)
			require.Contains(t, []job.Code{job.CodeInvalidDefinition, job.CodeTooLarge}, failed.Code)
			require.True(t, failed.Code == job.CodeTooLarge || len(failed.Fields) > 0)
			return
		}
		for _, version := range versions {
			again, err := job.Load(version.Canonical)
			require.NoError(t, err)
			require.Equal(t, version.Digest, again[0].Digest)
			opened, err := job.Open(version.Canonical)
			require.NoError(t, err)
			require.Equal(t, version.Definition, opened.Definition)
			require.NotEmpty(t, opened.Main.Next(nil).Ready)
			requireCompiles(t, opened)
		}
	})
}
