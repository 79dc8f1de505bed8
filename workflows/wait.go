package workflows

import (
	"encoding/json"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/fairlead/fairlead/internal/job"
)

// null is the output of a step that has nothing to give.
var null = json.RawMessage("null")

// encode writes an output that the workflow has made, of texts, numbers and JSON.
func encode(value map[string]any) json.RawMessage {
	raw, err := json.Marshal(value)
	if err != nil {
		return null
	}
	return raw
}

// wait runs a step that waits for a time or a callback.
func (u *unit) wait() {
	wait := u.step.Wait
	switch {
	case wait.Callback != nil:
		u.awaitCallback(wait.Callback.Timeout)
	case wait.Until != "":
		at, err := u.r.program.Until(u.step.ID, u.scope)
		if err != nil {
			u.fail(job.StatusFailed, expressionFailure(u.step.ID, err))
			return
		}
		u.pause(at.Sub(workflow.Now(u.ctx)))
	default:
		u.pause(wait.For.Std())
	}
}

// pause waits for a length of time; none is over at once.
func (u *unit) pause(d time.Duration) {
	u.begin(job.StatusWaiting, 0)
	if d <= 0 {
		u.give(null)
		return
	}
	u.rest(d, func(how restOver) {
		if how == restCanceled {
			u.cancel()
			return
		}
		u.give(null)
	})
}

// awaitCallback waits until something is posted to the step's URL; what came before counts.
func (u *unit) awaitCallback(timeout job.Duration) {
	u.begin(job.StatusWaiting, 0)
	call := u.r.inbox.callback(u.address())
	if call.body != nil {
		call.state = taken
		u.give(call.body)
		return
	}
	call.state = awaited
	call.rest = u.rest(timeout.Std(), func(how restOver) {
		call.rest = nil
		switch how {
		case restAnswered:
			call.state = taken
			u.give(call.body)
		case restElapsed:
			call.state = missed
			u.fail(job.StatusTimedOut, &job.Failure{
				Code: codeCallbackTimeout, Message: "nothing was posted to the step's URL within " + timeout.String(),
			})
		case restCanceled:
			call.state = missed
			u.cancel()
		}
	})
}
