package workflows

import (
	"encoding/json"

	"go.temporal.io/sdk/workflow"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/job"
)

// call makes the step's call as soon as there is a slot for it. returned is
// called with its end; when it can't be made, the pass ends here.
func (u *unit) call(returned func(res activities.StepResult, err error)) {
	u.r.calls.claim(u.ctx, func(granted bool) {
		if !granted {
			u.cancel()
			return
		}
		input, failure := u.input()
		if failure != nil {
			u.r.calls.free()
			u.fail(job.StatusFailed, failure)
			return
		}
		u.begin(job.StatusRunning, 1)
		u.attempt(input, returned)
	})
}

// attempt starts the step's activity. An attempt whose worker stopped is done
// again at once: it doesn't count as one of the step's.
func (u *unit) attempt(input *activities.Step, returned func(res activities.StepResult, err error)) {
	u.r.budget.work++
	u.r.budget.moved += len(input.Scope)
	options := workflow.WithActivityOptions(u.ctx, stepOptions(u.step, input.Before))
	u.r.watch.future(workflow.ExecuteActivity(options, u.step.Uses, input), func(f workflow.Future) {
		var res activities.StepResult
		err := f.Get(u.ctx, &res)
		if used, ok := interrupted(err); ok && u.ctx.Err() == nil {
			input.Before = used
			u.attempt(input, returned)
			return
		}
		u.r.calls.free()
		if err == nil {
			u.r.records.attempt(u.at, res.Attempt, res.Log)
		} else if _, detail := stepFailure(u.step.ID, err); detail != nil {
			u.r.records.attempt(u.at, detail.Attempt, detail.Log)
		}
		returned(res, err)
	})
}

// input is what the step's activity gets.
func (u *unit) input() (*activities.Step, *job.Failure) {
	values, failure := u.values()
	if failure != nil {
		return nil, failure
	}
	in := &activities.Step{
		Run: u.r.in.Run, Step: u.step.ID, Item: u.at.key, With: u.step.With, Scope: values,
		Token: job.Token(u.r.in.Run.ID, u.step.ID, u.at.key, ""), TokenOf: u.step.Token,
		Timeout: callTimeout(u.step), RetryIf: u.step.Retry.If, MaxElapsed: u.step.Retry.MaxElapsed.Std(),
		Poll: u.step.Poll, Output: u.step.Output, Callbacks: u.r.program.Callbacks(u.step.ID),
	}
	if u.step.Uses == activities.JobRun {
		in.Output = nil // it is over the child's end
	}
	if in.Poll != nil {
		in.Attempts = u.step.Retry.Attempts
	}
	if in.Poll != nil || in.MaxElapsed > 0 {
		in.Since = workflow.Now(u.ctx).UTC()
	}
	return in, nil
}

// values are what the step's call may refer to. What a compensation refers to was
// bounded when it was kept, and it is the only one under way.
func (u *unit) values() (json.RawMessage, *job.Failure) {
	if u.undoes {
		values, err := json.Marshal(u.scope)
		if err != nil {
			return nil, expressionFailure(u.step.ID, err)
		}
		return values, nil
	}
	if u.at.item && exceeds(u.r.program.StepScope(u.step.ID, u.scope), maxItemScope) {
		return nil, tooLargeForItem(u.step.ID)
	}
	values, err := u.r.program.StepJSON(u.step.ID, u.scope)
	switch {
	case err != nil:
		return nil, expressionFailure(u.step.ID, err)
	case u.at.item && len(values) > maxItemScope:
		return nil, tooLargeForItem(u.step.ID)
	}
	return values, nil
}
