package workflows

import (
	"encoding/json"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/job/expr"
)

// place is where a state is recorded: a step's, or that of one of its items.
type place struct {
	step string
	// key and index are the item's, zero where there is none.
	key   string
	index int
	item  bool
}

// unit is one pass of a step: the only one, that of an item, or its compensation.
type unit struct {
	r    *run
	lane *lane // whose step it is; nil for a compensation
	step *job.Step
	at   place
	// scope is what the step's expressions see.
	scope expr.Scope
	ctx   workflow.Context
	// undoes: it is a compensation, and scope has been pruned for it.
	undoes bool
	done   func(res result)
}

// start begins the pass; done is called once, maybe before start returns.
func (u *unit) start() {
	if u.step.Uses == "" { // a call counts when it is made
		u.r.budget.work++
	}
	switch {
	case u.step.Wait != nil:
		u.restWith(u.wait)
	case u.step.Approval != nil:
		u.restWith(u.approve)
	case len(u.step.Steps) > 0:
		u.runGroup()
	case u.step.Uses == activities.JobRun:
		u.runChild()
	default:
		u.call(u.returned)
	}
}

// address is where answers to the pass are sent.
func (u *unit) address() address { return address{step: u.step.ID, item: u.at.key} }

// begin notes that the pass has begun.
func (u *unit) begin(status job.Status, attempts int) {
	u.r.records.begin(u.at, status, attempts, workflow.Now(u.ctx))
}

// fail ends the pass with a failure.
func (u *unit) fail(status job.Status, failure *job.Failure) {
	if failure.Step == "" {
		failure.Step = u.step.ID
	}
	if failure.Item == "" && u.at.key != "" {
		failure.Item = u.at.key
	}
	u.done(result{status: status, failure: failure})
}

// cancel ends a pass that was told to stop.
func (u *unit) cancel() {
	u.done(result{status: job.StatusCanceled, failure: canceledFailure(u.step.ID, u.at.key)})
}

// succeed ends the pass with an output, and remembers it where it can be undone.
func (u *unit) succeed(output json.RawMessage) {
	if u.step.Compensate != nil {
		if failure := u.remember(output); failure != nil {
			u.fail(job.StatusFailed, failure)
			return
		}
	}
	u.done(result{status: job.StatusSucceeded, output: output})
}

// give ends the pass with an output that the workflow has made: the step's
// template for it, if there is one, over that value as its `output`.
func (u *unit) give(output json.RawMessage) {
	value, failure := decode(u.step.ID, output)
	if failure != nil {
		u.fail(job.StatusFailed, failure)
		return
	}
	u.render(with(u.scope, expr.Scope{"output": value}), output)
}

// render ends the pass with the step's template for its output over a scope, or
// with another output where there is none.
func (u *unit) render(scope expr.Scope, otherwise json.RawMessage) {
	output := otherwise
	if !u.undoes {
		rendered, ok, err := u.r.program.StepOutput(u.step.ID, scope)
		if err != nil {
			u.fail(job.StatusFailed, expressionFailure(u.step.ID, err))
			return
		}
		if ok {
			output = rendered
		}
	}
	if err := job.CheckOutput("the step's output", output); err != nil {
		u.fail(job.StatusFailed, expressionFailure(u.step.ID, err))
		return
	}
	u.succeed(output)
}

// returned takes the end of the step's activity.
func (u *unit) returned(res activities.StepResult, err error) {
	if err == nil {
		u.succeed(res.Output)
		return
	}
	failure, _ := stepFailure(u.step.ID, err)
	switch {
	case u.ctx.Err() != nil, temporal.IsCanceledError(err): // however an attempt ends that was told to stop
		u.cancel()
	case failure.Code == codePollTimeout && u.step.Poll != nil:
		u.fail(job.StatusTimedOut, failure)
	default:
		u.fail(job.StatusFailed, failure)
	}
}

// completion is a pass that succeeded and can be undone.
type completion struct {
	step *job.Step
	at   place
	// scope holds what its compensation refers to.
	scope expr.Scope
}

// undoing is where the pass's compensation is recorded.
func (c completion) undoing() place {
	at := c.at
	at.step = job.CompensationOf(at.step)
	return at
}

// remember keeps what is needed to undo the pass.
func (u *unit) remember(output json.RawMessage) *job.Failure {
	scope := with(u.scope, expr.Scope{"output": nil})
	if _, refers := u.r.program.CompensateScope(u.step.ID, scope)["output"]; refers {
		failure := u.r.hold(u.step.ID, len(output))
		if failure == nil {
			scope["output"], failure = decode(u.step.ID, output)
		}
		if failure != nil {
			return failure
		}
	}
	scope = u.r.program.CompensateScope(u.step.ID, scope)
	if scope["steps"] != nil {
		u.lane.lasts = true
	}
	u.r.completed = append(u.r.completed, completion{step: u.step, at: u.at, scope: scope})
	return nil
}
