package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"
)

// rest is a pause of a step: until a time has passed, or somebody answers.
type rest struct {
	u      *unit
	settle workflow.Settable
	over   bool
	// answered: somebody has, though the step may not know yet.
	answered bool
}

// restWith begins a step that rests as soon as there is room for one more.
func (u *unit) restWith(begin func()) {
	u.r.rests.claim(u.ctx, func(granted bool) {
		if !granted {
			u.cancel()
			return
		}
		done := u.done
		u.done = func(res result) {
			u.r.rests.free()
			done(res)
		}
		begin()
	})
}

// restOver says how a rest ended.
type restOver int

const (
	restElapsed restOver = iota
	restAnswered
	restCanceled
)

// rest pauses the pass for d; over is called once with how that ended.
func (u *unit) rest(d time.Duration, over func(how restOver)) *rest {
	ctx, cancel := workflow.WithCancel(u.ctx)
	answer, settle := workflow.NewFuture(ctx)
	p := &rest{u: u, settle: settle}
	u.r.waiting++
	end := func(how restOver) {
		if p.over {
			return
		}
		p.over = true
		u.r.waiting--
		cancel()
		if !answer.IsReady() {
			settle.Set(nil, nil) // nothing is left that is waited for
		}
		if p.answered { // it came first, whatever is told first
			how = restAnswered
		}
		over(how)
	}
	timer := workflow.NewTimerWithOptions(ctx, d, workflow.TimerOptions{Summary: u.step.ID})
	u.r.watch.future(timer, func(f workflow.Future) {
		if f.Get(ctx, nil) == nil {
			end(restElapsed)
		} else {
			end(restCanceled)
		}
	})
	u.r.watch.future(answer, func(workflow.Future) { end(restAnswered) })
	return p
}

// answer ends the rest.
func (p *rest) answer() {
	if !p.over && !p.answered {
		p.answered = true
		p.settle.Set(nil, nil)
	}
}
