package job_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/job"
)

// update rewrites the answers: go test ./internal/job -update.
var update = flag.Bool("update", false, "rewrite the golden answers")

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/wrong/*.yaml")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 200)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			t.Parallel()
			source, err := os.ReadFile(file)
			require.NoError(t, err)

			versions, err := job.Load(source)

			require.Nil(t, versions)
			var failed *job.Error
			require.ErrorAs(t, err, &failed)
			require.Equal(t, job.CodeInvalidDefinition, failed.Code)
			requirePlaces(t, source, failed)
			golden(t, strings.TrimSuffix(file, ".yaml")+".txt", answer(failed))
		})
	}
}

// answer is every problem of an error, one a line.
func answer(failed *job.Error) string {
	var lines strings.Builder
	for _, field := range failed.Fields {
		lines.WriteString(field.String() + "\n")
	}
	return lines.String()
}

// requirePlaces checks what holds for every answer: problems, in the order of the file, each at a place that is there.
func requirePlaces(t *testing.T, source []byte, failed *job.Error) {
	t.Helper()
	require.NotEmpty(t, failed.Fields)
	lines := strings.Split(string(source), "\n")
	last := 0
	for _, field := range failed.Fields {
		require.NotEmpty(t, field.Message)
		require.GreaterOrEqual(t, field.Line, max(last, 1), "sorted by line: %v", field)
		require.LessOrEqual(t, field.Line, len(lines), "%v", field)
		require.GreaterOrEqual(t, field.Column, 1, "%v", field)
		require.LessOrEqual(t, field.Column, len([]rune(lines[field.Line-1]))+1, "%v", field)
		last = field.Line
	}
}

// golden compares an answer with its file.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o600))
		return
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err, "run the test with -update, and read what it writes")
	require.Equal(t, string(want), got)
}
