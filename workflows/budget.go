package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/job/expr"
)

const (
	// maxWork is how many steps and items begin and end in one workflow task.
	maxWork = 200
	// maxMoved bounds, in bytes, what one workflow task encodes for activities
	// and decodes of their outputs: both take some 60 ms a MiB.
	maxMoved = 8 << 20
	// maxItemScope bounds, in bytes, what one item's call gets of the run's values:
	// all items' are encoded again when the run is replayed, in one workflow task.
	maxItemScope = 1 << 20
	// breath is the timer that ends a workflow task.
	breath = time.Millisecond
)

// budget is what a run may still do in the workflow task that is under way. The
// server takes a task that has no end for 10 s from its worker and gives it to
// another, which gets no further.
type budget struct {
	task  int // the history's length, which no two tasks have in common
	work  int
	moved int
}

// renew begins anew when another workflow task has begun.
func (b *budget) renew(ctx workflow.Context) {
	if task := workflow.GetInfo(ctx).GetCurrentHistoryLength(); task != b.task {
		*b = budget{task: task}
	}
}

func (b *budget) spent() bool { return b.work >= maxWork || b.moved >= maxMoved }

// breathe ends the workflow task with a timer, and recording goes on. What waited for the next one begins.
func (r *run) breathe(ctx workflow.Context) {
	apart, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	r.await(apart, workflow.NewTimer(apart, breath).IsReady)
	r.budget = budget{task: workflow.GetInfo(ctx).GetCurrentHistoryLength()}
	r.calls.serve()
	r.look(ctx)
}

// exceeds reports whether a scope's JSON has more bytes than that, without
// reading on: it may be short by what JSON escapes.
func exceeds(scope expr.Scope, limit int) bool {
	return room(map[string]any(scope), limit) < 0
}

// room is what a value's JSON leaves of so many bytes; negative: there are too few.
func room(value any, left int) int {
	switch value := value.(type) {
	case string:
		return left - len(value) - len(`""`)
	case []any:
		for _, element := range value {
			if left = room(element, left-1); left < 0 {
				return left
			}
		}
	case map[string]any:
		return roomOf(value, left)
	}
	return left - 1
}

// roomOf is the room that an object leaves. Which of its members are read before
// there is none left doesn't matter: it is too large in any order.
func roomOf(object map[string]any, left int) int {
	for name, value := range object {
		if left = room(value, left-len(name)-len(`"":,`)); left < 0 {
			return left
		}
	}
	return left - 1
}

// tooLargeForItem is the failure of an item whose call would get too much.
func tooLargeForItem(step string) *job.Failure {
	return &job.Failure{Code: string(job.CodeTooLarge), Step: step, Message: "an item's call may refer to values of at most 1 MiB: " +
		"select what each item needs in `foreach.in`, so that its own value holds it, instead of referring to a whole output"}
}
