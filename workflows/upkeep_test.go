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

// sweeps counts what Upkeep asks for.
type sweeps struct{ started, drained, looks int }

func setupUpkeep(t *testing.T, lost func(look int) activities.Lost) (*bench, *sweeps) {
	t.Helper()
	b, count := setup(t), &sweeps{}
	b.register(activities.StartQueued, func(context.Context) (activities.Swept, error) {
		count.started++
		return activities.Swept{}, errors.New("Postgres is away")
	})
	b.register(activities.DrainLogs, func(context.Context) (activities.Swept, error) {
		count.drained++
		return activities.Swept{Count: 1}, nil
	})
	b.register(activities.FindLost, func(context.Context) (activities.Lost, error) {
		count.looks++
		return lost(count.looks), nil
	})
	return b, count
}

func TestUpkeepSweepsAndContinuesAsNew(t *testing.T) {
	t.Parallel()
	b, count := setupUpkeep(t, func(int) activities.Lost { return activities.Lost{} })
	b.ExecuteWorkflow(workflows.TypeUpkeep)
	var next *workflow.ContinueAsNewError
	require.ErrorAs(t, b.GetWorkflowError(), &next)
	require.Equal(t, sweeps{started: 180, drained: 30, looks: 30}, *count, "a sweep that fails stops nothing")
}

func TestUpkeepTellsOfLostRunsThenEndsThem(t *testing.T) {
	t.Parallel()
	b, count := setupUpkeep(t, func(int) activities.Lost {
		run := activities.Run{ID: "run_lost", Team: "default", Job: "j"}
		record := activities.RunRecord{Run: run, Rev: 9, Status: job.StatusFailed, Error: &job.Failure{Code: "terminated_outside", Message: "gone"}}
		quiet := record
		quiet.Run.ID = "run_quiet"
		return activities.Lost{Runs: []activities.LostRun{
			{Record: record, Rules: []job.NotifyRule{{Events: []string{job.EventFailed}, To: []string{"email:ana@example.com"}}}},
			{Record: quiet},
		}}
	})
	b.ExecuteWorkflow(workflows.TypeUpkeep)
	var next *workflow.ContinueAsNewError
	require.ErrorAs(t, b.GetWorkflowError(), &next)
	require.Equal(t, 1, count.looks, "as new it has no pending children: they never add up")
	require.Len(t, b.endings, 1)
	require.Equal(t, "terminated_outside", b.endings[0].Error.Code)
	require.Len(t, b.records, 2)
	require.Equal(t, int64(9), b.records[0].Rev)
}
