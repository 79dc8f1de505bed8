package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/fairlead/fairlead/internal/job"
)

// runGroup runs a group's steps, once.
func (u *unit) runGroup() {
	ctx, cancel := workflow.WithCancel(u.ctx)
	l := u.r.newLane(ctx, u.r.program.Group(u.step.ID), u.scope, u.lane.views)
	if u.at.item {
		l.pass = &u.at
	}
	u.begin(job.StatusRunning, 0)
	late := u.limit(func() {
		cancel()
		u.r.sweep()
		u.r.touch(l)
	})
	l.done = func(outcome job.Status, failure *job.Failure) {
		cancel()
		switch timedOut := late(); {
		case outcome == job.StatusSucceeded:
			u.render(l.scope, null)
		case outcome == job.StatusFailed:
			u.fail(job.StatusFailed, failure)
		case timedOut:
			u.fail(job.StatusTimedOut, u.timeout())
		default:
			u.cancel()
		}
	}
	u.r.touch(l)
}

// limit calls expired when the pass has not ended within the step's timeout, if
// it has one. ended is to be called at its end, and says whether that came to pass.
func (u *unit) limit(expired func()) (ended func() bool) {
	if u.step.Timeout == 0 {
		return func() bool { return false }
	}
	ctx, cancel := workflow.WithCancel(u.ctx)
	timedOut := false
	timer := workflow.NewTimerWithOptions(ctx, u.step.Timeout.Std(), workflow.TimerOptions{Summary: u.step.ID})
	u.r.watch.future(timer, func(f workflow.Future) {
		if f.Get(ctx, nil) == nil {
			timedOut = true
			expired()
		}
	})
	return func() bool {
		cancel()
		return timedOut
	}
}

// timeout is the failure of a pass that has not ended in time.
func (u *unit) timeout() *job.Failure {
	return &job.Failure{Code: codeTimeout, Message: "the step did not end within its timeout of " + u.step.Timeout.String()}
}
