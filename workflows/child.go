package workflows

import (
	"encoding/json"
	"errors"
	"fmt"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/job"
)

// runChild runs another job: the step's activity keeps the run, this workflow
// starts it, and the step ends with it unless it is not to be waited for.
func (u *unit) runChild() {
	ctx, cancel := workflow.WithCancel(u.ctx)
	late := u.limit(func() {
		cancel()
		u.r.sweep()
	})
	done := u.done
	u.ctx = ctx
	u.r.children.claim(ctx, func(granted bool) {
		u.done = func(res result) {
			if granted {
				u.r.children.free()
			}
			cancel()
			if late() && res.status == job.StatusCanceled {
				res = result{status: job.StatusTimedOut, failure: u.timeout()}
				res.failure.Step, res.failure.Item = u.step.ID, u.at.key
			}
			done(res)
		}
		if !granted {
			u.cancel()
			return
		}
		u.call(u.kept)
	})
}

// kept starts the run that the activity has kept.
func (u *unit) kept(res activities.StepResult, err error) {
	if err != nil {
		u.returned(res, err)
		return
	}
	var child activities.Child
	var in RunInput
	if err = json.Unmarshal(res.Output, &child); err == nil {
		err = json.Unmarshal(child.Start, &in)
	}
	if err != nil {
		u.fail(job.StatusFailed, &job.Failure{Code: string(job.CodeInternal), Message: "the run to be started can't be read"})
		return
	}
	u.startChild(child, in)
}

// startChild starts a run as a child. It is started though the step may have
// been canceled meanwhile: its row is there, and a run that is canceled properly
// ends it.
func (u *unit) startChild(child activities.Child, in RunInput) {
	ctx, stop := workflow.NewDisconnectedContext(u.ctx)
	ctx = workflow.WithChildOptions(ctx, childOptions(in, child.Wait))
	u.r.budget.moved += len(child.Start)
	run := workflow.ExecuteChildWorkflow(ctx, TypeRun, child.Start)
	over, forget := false, func() {}
	u.r.watch.future(run.GetChildWorkflowExecution(), func(f workflow.Future) {
		err := f.Get(ctx, nil)
		switch {
		case err != nil:
			over = true
			u.fail(job.StatusFailed, childFailure(child.Run, err))
		case !child.Wait:
			over = true
			u.give(childOutput(child.Run, job.StatusQueued, nil))
		default:
			forget = u.r.watch.ending(u.ctx, stop)
		}
	})
	if !child.Wait {
		return
	}
	u.r.watch.future(run, func(f workflow.Future) {
		if over {
			return
		}
		over = true
		forget()
		var res RunResult
		err := f.Get(ctx, &res)
		u.childEnded(child.Run, res, err)
	})
}

// childEnded takes the end of the child.
func (u *unit) childEnded(run activities.Run, res RunResult, err error) {
	switch {
	case err == nil:
		u.give(childOutput(run, res.Status, res.Output))
	case u.ctx.Err() != nil && temporal.IsCanceledError(err):
		u.cancel()
	default:
		u.fail(job.StatusFailed, childFailure(run, err))
	}
}

// childOptions are the options of a run that another one starts.
func childOptions(in RunInput, awaited bool) workflow.ChildWorkflowOptions {
	started := StartOptions(in)
	options := workflow.ChildWorkflowOptions{
		WorkflowID:            started.ID,
		TaskQueue:             started.TaskQueue,
		WaitForCancellation:   true,
		WorkflowIDReusePolicy: started.WorkflowIDReusePolicy,
		ParentClosePolicy:     enumspb.PARENT_CLOSE_POLICY_ABANDON,
		TypedSearchAttributes: started.TypedSearchAttributes,
		Priority:              started.Priority,
		StaticSummary:         started.StaticSummary,
	}
	if awaited {
		options.ParentClosePolicy = enumspb.PARENT_CLOSE_POLICY_REQUEST_CANCEL
	}
	return options
}

// childOutput is what a step that ran another job gives.
func childOutput(run activities.Run, status job.Status, output json.RawMessage) json.RawMessage {
	if output == nil {
		output = null
	}
	return encode(map[string]any{
		"run": run.ID, "job": run.Job, "version": run.Version, "status": status, "output": output,
	})
}

// childFailure says why a run that another one started did not succeed.
func childFailure(run activities.Run, err error) *job.Failure {
	failure := &job.Failure{Code: codeChildFailed}
	var (
		canceled    *temporal.CanceledError
		application *temporal.ApplicationError
		terminated  *temporal.TerminatedError
	)
	end := "failed: " + err.Error()
	switch {
	case errors.As(err, &canceled):
		failure.Type, end = codeCanceled, "was canceled"
	case errors.As(err, &application):
		failure.Type, end = application.Type(), "failed: "+application.Message()
	case errors.As(err, &terminated):
		failure.Type, end = "terminated_outside", "was stopped from outside"
	case temporal.IsWorkflowExecutionAlreadyStartedError(err):
		end = "was started by another"
	}
	failure.Message = activities.OneLine(fmt.Sprintf("%s of %s %s", run.ID, run.Job, end), maxMessage)
	return failure
}

// maxMessage bounds a failure's message in characters, as the steps' activities do.
const maxMessage = 1000
