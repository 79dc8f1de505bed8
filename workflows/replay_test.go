package workflows_test

import (
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	tlog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/fairlead/fairlead/workflows"
)

// TestReplay runs today's workflow code against every recorded history: those
// named bad-* hold something that this code would never do and must be refused.
// Each folder has those of one shape; `go tool task replay:record NAME=…` records
// a new one from the end-to-end cases.
func TestReplay(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/histories/*/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	bad := 0
	for _, file := range files {
		wrong := strings.HasPrefix(filepath.Base(file), "bad-")
		if wrong {
			bad++
		}
		t.Run(filepath.Base(filepath.Dir(file))+"/"+filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			err := replay(t, file)
			if wrong {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
		})
	}
	require.Positive(t, bad, "a replay that can't fail proves nothing")
}

func replay(t *testing.T, file string) error {
	t.Helper()
	replayer, err := worker.NewWorkflowReplayerWithOptions(worker.WorkflowReplayerOptions{})
	require.NoError(t, err)
	replayer.RegisterWorkflowWithOptions(workflows.NewRun(), workflow.RegisterOptions{Name: workflows.TypeRun})
	replayer.RegisterWorkflowWithOptions(workflows.Notify, workflow.RegisterOptions{Name: workflows.TypeNotify})
	replayer.RegisterWorkflowWithOptions(workflows.Upkeep, workflow.RegisterOptions{Name: workflows.TypeUpkeep})
	return replayer.ReplayWorkflowHistoryFromJSONFile(tlog.NewStructuredLogger(slog.New(slog.DiscardHandler)), file)
}
