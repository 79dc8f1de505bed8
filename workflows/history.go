package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"github.com/fairlead/fairlead/internal/job"
)

// The server ends a workflow whose history has more than 51,200 events or 50 MB.
// A run stops while there is room to clean up, and its cleanup while there is
// room to say how it ended.
const (
	maxEvents         = 40_000
	maxHistory        = 40 << 20
	maxCleanupEvents  = 50_000
	maxCleanupHistory = 48 << 20
	// openEvents are those that a timer or an activity that is open is still
	// good for, undoEvents those that a compensation is.
	openEvents = 2
	undoEvents = 3
)

// guardHistory stops a run whose history is full.
func (r *run) guardHistory(ctx workflow.Context) {
	info := workflow.GetInfo(ctx)
	events, size := info.GetCurrentHistoryLength(), info.GetCurrentHistorySize()
	due := openEvents*(r.calls.taken+r.children.taken+r.rests.taken) + undoEvents*len(r.completed)
	switch {
	case r.outcome == "" && (events+due > maxEvents || size > maxHistory):
		r.fix(job.StatusFailed, string(job.CodeTooManyCalls), fmt.Sprintf(
			"the run's history is full (%d events and %d to come, %d MiB): split the work over several runs, with job.run or fewer items",
			events, due, size>>20))
	case r.stopCleanup != nil && (events > maxCleanupEvents || size > maxCleanupHistory):
		r.stopCleanup()
	}
}
