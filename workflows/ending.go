package workflows

import (
	"maps"
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/job/expr"
)

// cleanUp undoes what succeeded of a run that did not, then runs `finally`, all
// within the job's cleanup timeout. What fails keeps nothing else from being
// done. It works in a disconnected context: a canceled run cleans up as any other.
func (r *run) cleanUp(ctx workflow.Context) {
	if r.outcome == job.StatusSucceeded {
		r.completed = nil
	}
	if len(r.completed) == 0 && len(r.program.Finally.Steps) == 0 {
		return
	}
	root := ctx
	ctx, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	r.cleanup = job.StatusSucceeded
	r.stopCleanup = func() {
		r.cleanup = job.StatusFailed
		cancel()
		r.sweep()
	}
	timeout := r.program.Definition.CleanupTimeout.Std()
	r.after(ctx, timeout, "cleanup", r.stopCleanup)
	r.compensate(root, ctx, timeout)
	r.runFinally(root, ctx)
	r.stopCleanup = nil
}

// after calls expired when a time has passed, unless ctx ends before.
func (r *run) after(ctx workflow.Context, d time.Duration, summary string, expired func()) {
	timer := workflow.NewTimerWithOptions(ctx, d, workflow.TimerOptions{Summary: summary})
	r.watch.future(timer, func(f workflow.Future) {
		if f.Get(ctx, nil) == nil {
			expired()
		}
	})
}

// compensate undoes every pass that succeeded, the last one first. It leaves a
// quarter of the cleanup's time to `finally`, where there is one: a service that
// can't be reached must not keep a lock from being given back.
func (r *run) compensate(root, ctx workflow.Context, timeout time.Duration) {
	if len(r.completed) == 0 {
		return
	}
	ctx, cancel := workflow.WithCancel(ctx)
	defer cancel()
	if len(r.program.Finally.Steps) > 0 {
		r.after(ctx, timeout/4*3, "compensations", func() {
			r.cleanup = job.StatusFailed
			cancel()
			r.sweep()
		})
	}
	passes := map[string]int{}
	for _, done := range r.completed {
		passes[done.step.ID]++
	}
	for _, done := range slices.Backward(r.completed) {
		r.records.compensation(done.at, passes[done.step.ID])
		if ctx.Err() != nil { // what is left undone shows as such
			r.records.end(done.undoing(), result{status: job.StatusCanceled}, workflow.Now(ctx))
			continue
		}
		r.undo(root, ctx, done)
	}
	for _, done := range r.completed {
		r.records.endCompensation(done.step.ID, workflow.Now(ctx))
	}
}

// undo undoes one pass of a step.
func (r *run) undo(root, ctx workflow.Context, done completion) {
	how := done.step.Compensate
	at := done.undoing()
	step := &job.Step{ID: at.step, Uses: how.Uses, With: how.With, Timeout: how.Timeout, Retry: how.Retry}
	u := &unit{r: r, step: step, at: at, scope: done.scope, ctx: ctx, undoes: true}
	over := false
	u.done = func(res result) {
		over = true
		r.records.end(at, res, workflow.Now(ctx))
		if res.status != job.StatusSucceeded {
			r.cleanup = job.StatusFailed
			return
		}
		if status := r.records.compensated(done.at); status == job.StatusCompensated {
			r.main.restate(done.step.ID, status)
		}
	}
	u.start()
	r.until(root, func() bool { return over })
}

// restate changes how expressions see the status of a step.
func (l *lane) restate(id string, status job.Status) {
	if view, ok := l.views[id].(map[string]any); ok {
		view = maps.Clone(view)
		view["status"] = string(status)
		l.views[id] = view
	}
}

// runFinally runs the steps of `finally`, one after the other.
func (r *run) runFinally(root, ctx workflow.Context) {
	if len(r.program.Finally.Steps) == 0 {
		return
	}
	about, _ := r.scope["run"].(map[string]any)
	about = with(about, expr.Scope{"outcome": string(r.outcome), "error": job.ErrorView(r.failure)})
	l := r.newLane(ctx, r.program.Finally, with(r.scope, expr.Scope{"run": about}), r.main.views)
	l.done = func(outcome job.Status, _ *job.Failure) {
		if outcome != job.StatusSucceeded {
			r.cleanup = job.StatusFailed
		}
	}
	r.touch(l)
	r.until(root, func() bool { return l.over })
}

// end records the end, tells whom it concerns, and returns the workflow's result.
// It works in a disconnected context: a canceled run ends as properly as any other.
func (r *run) end(ctx workflow.Context) (RunResult, error) {
	ended := workflow.Now(ctx).UTC()
	ctx, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	r.records.final = &activities.RunRecord{
		Run: r.in.Run, Status: r.outcome, StartedAt: r.started, EndedAt: ended,
		Output: r.output, Error: r.failure, Cleanup: r.cleanup,
	}
	r.await(ctx, func() bool { return r.records.done })
	if r.records.err != nil {
		return RunResult{}, r.records.err
	}
	r.adopt(r.records.recorded)
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
