package workflows

import (
	"encoding/json"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/job/expr"
)

// maxInFlight bounds the steps of one run that are under way at once, so that
// what one workflow task schedules stays far below the server's limits.
const maxInFlight = 100

// maxKept bounds, in bytes, the outputs that a run keeps for its expressions:
// decoding them takes some 60 ms a MiB, and a workflow task 10 s at most.
const maxKept = 64 << 20

// Run is one execution of a job. It returns an application error whose type is
// the failure's code when the run failed or timed out, and a canceled error
// when it was canceled; by then the row says the same.
func Run(ctx workflow.Context, in RunInput) (RunResult, error) {
	r, err := newRun(ctx, in)
	if err != nil {
		return RunResult{}, err
	}
	r.execute(ctx)
	return r.end(ctx)
}

// run is the state of one execution of Run.
type run struct {
	in      RunInput
	program *job.Program
	states  map[string]job.StepState
	// scope holds what expressions see: input, run, and a view of every step.
	scope   expr.Scope
	views   map[string]any
	records *recorder

	started  time.Time
	inFlight int
	ended    int // how many steps have
	kept     int // bytes of the outputs that expressions may refer to
	outcome  job.Status
	failure  *job.Failure
	output   json.RawMessage
}

func newRun(ctx workflow.Context, in RunInput) (*run, error) {
	program, err := job.Open(in.Definition)
	if err != nil {
		return nil, temporal.NewNonRetryableApplicationError("the definition in the run's input can't be opened", string(job.CodeOf(err)), err)
	}
	input, err := expr.Decode(in.Input)
	if err != nil {
		return nil, temporal.NewNonRetryableApplicationError("the run's input isn't JSON", string(job.CodeInvalidInput), err)
	}
	started := workflow.Now(ctx).UTC()
	r := &run{
		in: in, program: program, started: started,
		states: make(map[string]job.StepState, len(program.Definition.Steps)),
		views:  make(map[string]any, len(program.Definition.Steps)),
	}
	for i := range program.Definition.Steps {
		id := program.Definition.Steps[i].ID
		r.states[id] = job.StepState{Status: job.StatusPending}
		r.views[id] = stepView(job.StatusPending, nil, nil)
	}
	r.scope = expr.Scope{
		"input": input,
		"steps": r.views,
		"run": map[string]any{
			"id": in.Run.ID, "job": in.Run.Job, "version": int64(in.Run.Version),
			"trigger": in.Trigger, "startedAt": started.Format(time.RFC3339Nano),
		},
	}
	r.records = newRecorder(ctx, in, program.Definition.Steps, started)
	return r, nil
}

// execute goes on until every step has ended, the run's timeout has passed, or it is canceled.
func (r *run) execute(ctx workflow.Context) {
	stepCtx, cancelSteps := workflow.WithCancel(ctx)
	timerCtx, stopTimer := workflow.WithCancel(ctx)
	defer stopTimer()
	timeout := r.program.Definition.Timeout
	selector := workflow.NewSelector(ctx)
	selector.AddFuture(workflow.NewTimer(timerCtx, timeout.Std()), func(f workflow.Future) {
		if f.Get(timerCtx, nil) == nil {
			r.stop(job.StatusTimedOut, "run_timeout", "the run did not end within its timeout of "+timeout.String())
			cancelSteps()
		}
	})

	r.advance(stepCtx, selector)
	for r.inFlight > 0 {
		selector.Select(ctx)
		if ctx.Err() != nil {
			r.stop(job.StatusCanceled, "canceled", "the run was canceled")
		}
		r.advance(stepCtx, selector)
	}
}

// stop fixes the outcome before every step has ended; the first one stands.
func (r *run) stop(outcome job.Status, code, message string) {
	if r.outcome == "" {
		r.outcome, r.failure = outcome, &job.Failure{Code: code, Message: message}
	}
}

// advance starts and skips all that the steps' states allow, until nothing
// changes any more; it does nothing once the outcome is fixed.
func (r *run) advance(ctx workflow.Context, selector workflow.Selector) {
	for r.outcome == "" {
		plan := r.program.Next(r.states)
		for _, id := range plan.Skip {
			r.settle(ctx, id, job.StepState{Status: job.StatusSkipped, Reason: job.SkipUpstream}, nil, nil)
		}
		if plan.Done {
			r.outcome = plan.Outcome
			if plan.FailedStep != "" {
				r.failure = r.records.failure(plan.FailedStep)
			}
			return
		}
		settled := false
		for _, id := range plan.Ready {
			if r.inFlight >= maxInFlight {
				return
			}
			settled = r.begin(ctx, selector, id) || settled
		}
		if !settled {
			return
		}
	}
}

// begin evaluates a ready step's `if` and starts it; it reports whether the step ended right there.
func (r *run) begin(ctx workflow.Context, selector workflow.Selector, id string) bool {
	wanted, err := r.program.Condition(id, r.scope)
	switch {
	case err != nil:
		r.settle(ctx, id, job.StepState{Status: job.StatusFailed}, nil, expressionFailure(id, err))
		return true
	case !wanted:
		r.settle(ctx, id, job.StepState{Status: job.StatusSkipped, Reason: job.SkipCondition}, nil, nil)
		return true
	}
	step := r.program.Step(id)
	input, err := r.stepInput(step)
	if err != nil {
		r.settle(ctx, id, job.StepState{Status: job.StatusFailed}, nil, expressionFailure(id, err))
		return true
	}
	r.states[id] = job.StepState{Status: job.StatusRunning}
	r.views[id] = stepView(job.StatusRunning, nil, nil)
	r.records.begin(id, workflow.Now(ctx))
	r.inFlight++
	r.call(ctx, selector, step, input)
	return false
}

// call starts a step's activity. An attempt whose worker stopped is done again
// at once: it doesn't count as one of the step's.
func (r *run) call(ctx workflow.Context, selector workflow.Selector, step *job.Step, input activities.Step) {
	activity := workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, stepOptions(step, input.Before)), step.Uses, input)
	selector.AddFuture(activity, func(f workflow.Future) {
		var result activities.StepResult
		err := f.Get(ctx, &result)
		if used, ok := interrupted(err); ok && r.outcome == "" && ctx.Err() == nil {
			input.Before = used
			r.call(ctx, selector, step, input)
			return
		}
		r.inFlight--
		r.finish(ctx, step.ID, result, err)
	})
}

// finish takes the end of a step's activity.
func (r *run) finish(ctx workflow.Context, id string, result activities.StepResult, err error) {
	if err == nil {
		r.records.attempt(id, result.Attempt, result.Log)
		output, kept := r.keep(id, result.Output)
		if kept != nil {
			r.settle(ctx, id, job.StepState{Status: job.StatusFailed}, nil, kept)
			return
		}
		r.records.output(id, result.Output)
		r.settle(ctx, id, job.StepState{Status: job.StatusSucceeded}, output, nil)
		return
	}
	failure, detail := stepFailure(id, err)
	if detail != nil {
		r.records.attempt(id, detail.Attempt, detail.Log)
	}
	status := job.StatusFailed
	if temporal.IsCanceledError(err) {
		status = job.StatusCanceled
	}
	r.settle(ctx, id, job.StepState{Status: status}, nil, failure)
}

// keep decodes an output for the expressions that may refer to it; nil when
// none does. All that a run keeps is bounded: it is held in memory and decoded
// again whenever the workflow is replayed, within one workflow task.
func (r *run) keep(id string, output json.RawMessage) (any, *job.Failure) {
	if !r.program.Mentions(id) {
		return nil, nil
	}
	r.kept += len(output)
	if r.kept > maxKept {
		return nil, &job.Failure{Code: string(job.CodeTooLarge), Step: id, Message: fmt.Sprintf(
			"the outputs that expressions refer to have more than %d MiB together: keep large data elsewhere and pass its address", maxKept>>20)}
	}
	value, err := expr.Decode(output)
	if err != nil {
		return nil, &job.Failure{Code: string(job.CodeInternal), Step: id, Message: "the output isn't JSON"}
	}
	return value, nil
}

// settle fixes a step's end.
func (r *run) settle(ctx workflow.Context, id string, state job.StepState, output any, failure *job.Failure) {
	r.ended++
	state.Order = r.ended
	r.states[id] = state
	r.views[id] = stepView(state.Status, output, failure)
	r.records.end(id, state, failure, workflow.Now(ctx))
}

// stepInput is what the step's activity gets.
func (r *run) stepInput(step *job.Step) (activities.Step, error) {
	scope, err := json.Marshal(r.program.StepScope(step.ID, r.scope))
	if err != nil {
		return activities.Step{}, err
	}
	return activities.Step{
		Run: r.in.Run, Step: step.ID, With: step.With, Scope: scope,
		Token:   job.Token(r.in.Run.ID, step.ID, "", ""),
		Timeout: step.Timeout.Std(),
	}, nil
}

// end evaluates the output, records the end, tells whom it concerns, and returns the workflow's result.
// It works in a disconnected context: a canceled run ends as properly as any other.
func (r *run) end(ctx workflow.Context) (RunResult, error) {
	r.evaluateOutput()
	ended := workflow.Now(ctx).UTC()
	r.cancelPending(ended)
	ctx, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	recorded, err := r.records.finish(ctx, r.outcome, r.output, r.failure, ended)
	if err != nil {
		return RunResult{}, err
	}
	r.adopt(recorded)
	if err := r.tell(ctx, ended); err != nil {
		return RunResult{}, err
	}
	return r.result()
}

// adopt takes over the end that the row has, so that row, workflow and notification agree.
func (r *run) adopt(recorded activities.Recorded) {
	if recorded.Status.Ended() && recorded.Status != r.outcome {
		r.outcome, r.failure, r.output = recorded.Status, recorded.Error, nil
	}
}

// evaluateOutput gives a run that succeeded its output; one that can't be evaluated or is too large fails the run.
func (r *run) evaluateOutput() {
	if r.outcome != job.StatusSucceeded {
		return
	}
	output, err := r.program.Output(r.scope)
	if err == nil {
		err = job.CheckOutput("the run's output", output)
	}
	if err != nil {
		r.outcome, r.failure = job.StatusFailed, expressionFailure("", err)
		return
	}
	r.output = output
}

// cancelPending ends the steps that a canceled or timed out run never began.
func (r *run) cancelPending(now time.Time) {
	for i := range r.program.Definition.Steps {
		id := r.program.Definition.Steps[i].ID
		if r.states[id].Status == job.StatusPending {
			state := job.StepState{Status: job.StatusCanceled}
			r.states[id] = state
			r.records.end(id, state, nil, now)
		}
	}
}

func (r *run) result() (RunResult, error) {
	switch r.outcome {
	case job.StatusSucceeded:
		return RunResult{Status: r.outcome, Output: r.output}, nil
	case job.StatusCanceled:
		return RunResult{}, temporal.NewCanceledError()
	default:
		failure := r.failure
		if failure == nil {
			failure = &job.Failure{Code: string(job.CodeInternal), Message: "the run ended " + string(r.outcome)}
		}
		return RunResult{}, temporal.NewNonRetryableApplicationError(failure.Message, failure.Code, nil, failure)
	}
}
