package workflows_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/workflow"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/workflows"
)

func TestUpkeepSweepsAndContinuesAsNew(t *testing.T) {
	t.Parallel()
	b := setup(t)
	started, drained, looks := 0, 0, 0
	b.register(activities.StartQueued, func(context.Context) (activities.Swept, error) {
		started++
		return activities.Swept{}, errors.New("Postgres is away")
	})
	b.register(activities.DrainLogs, func(context.Context) (activities.Swept, error) {
		drained++
		return activities.Swept{Count: 1}, nil
	})
	b.register(activities.FindLost, func(context.Context) (activities.Lost, error) {
		looks++
		if looks > 1 {
			return activities.Lost{}, nil
		}
		run := activities.Run{ID: "run_lost", Team: "default", Job: "j"}
		record := activities.RunRecord{Run: run, Rev: 9, Status: job.StatusFailed, Error: &job.Failure{Code: "terminated_outside", Message: "gone"}}
		return activities.Lost{Runs: []activities.LostRun{{
			Record: record, Rules: []job.NotifyRule{{Events: []string{job.EventFailed}, To: []string{"email:ana@example.com"}}},
		}}}, nil
	})
	b.ExecuteWorkflow(workflows.TypeUpkeep)
	var next *workflow.ContinueAsNewError
	require.ErrorAs(t, b.GetWorkflowError(), &next)
	require.Equal(t, 180, started, "a sweep that fails stops nothing")
	require.Equal(t, 30, drained)
	require.Len(t, b.endings, 1)
	require.Equal(t, "terminated_outside", b.endings[0].Error.Code)
	require.Len(t, b.records, 1)
	require.Equal(t, int64(9), b.records[0].Rev)
}
