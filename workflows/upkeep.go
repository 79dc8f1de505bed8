package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/fairlead/fairlead/activities"
)

const (
	sweepEvery = 10 * time.Second
	// sweepsPerMinute is how many sweeps go by between two looks at what is rarely amiss.
	sweepsPerMinute = 6
	// sweepsPerExecution bounds the history: then Upkeep continues as new.
	sweepsPerExecution = 30 * sweepsPerMinute
	sweepTimeout       = time.Minute
)

// Upkeep sees to what no run can see to itself, for ever: acknowledged runs
// that have no workflow yet, rows whose workflow was stopped from outside, and
// logs that S3 did not take. What a sweep fails to do is left for the next one.
func Upkeep(ctx workflow.Context) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: sweepTimeout,
		RetryPolicy:         &temporal.RetryPolicy{MaximumAttempts: 1},
	})
	for sweep := range sweepsPerExecution {
		if err := workflow.Sleep(ctx, sweepEvery); err != nil {
			return err
		}
		sweepOnce(ctx, activities.StartQueued)
		if sweep%sweepsPerMinute != 0 {
			continue
		}
		told := closeLost(ctx)
		sweepOnce(ctx, activities.DrainLogs)
		// A child that still runs counts against this execution, and as new there are none.
		if told > 0 || workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			break
		}
	}
	return workflow.NewContinueAsNewError(ctx, TypeUpkeep)
}

func sweepOnce(ctx workflow.Context, activity string) {
	if err := workflow.ExecuteActivity(ctx, activity).Get(ctx, nil); err != nil {
		warn(ctx, activity, err)
	}
}

// closeLost tells those whom lost runs concern, then ends their rows: in this
// order a crash in between makes the next sweep find the same runs again, and
// Notify starts only once. It returns how many Notify children it started.
func closeLost(ctx workflow.Context) (told int) {
	var lost activities.Lost
	if err := workflow.ExecuteActivity(ctx, activities.FindLost).Get(ctx, &lost); err != nil {
		warn(ctx, activities.FindLost, err)
		return 0
	}
	for _, run := range lost.Runs {
		ending := activities.Ending{
			Run: run.Record.Run, Status: run.Record.Status, Error: run.Record.Error,
			StartedAt: run.Record.StartedAt, EndedAt: run.Record.EndedAt, Rules: run.Rules,
		}
		if concerns(ending.Rules, ending.Status) {
			if err := startNotify(ctx, ending); err != nil {
				warn(ctx, TypeNotify, err)
				continue
			}
			told++
		}
		if err := workflow.ExecuteActivity(ctx, activities.Record, run.Record).Get(ctx, nil); err != nil {
			warn(ctx, activities.Record, err)
		}
	}
	return told
}

func warn(ctx workflow.Context, what string, err error) {
	workflow.GetLogger(ctx).Warn("a sweep failed; the next one tries again", "sweep", what, "error", err)
}
