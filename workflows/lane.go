package workflows

import (
	"encoding/json"
	"maps"

	"go.temporal.io/sdk/workflow"

	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/job/expr"
)

// lane runs the steps of one block, once: the job's, a group's in one of its
// passes, or `finally`. It ends when all of them have.
type lane struct {
	r     *run
	ctx   workflow.Context
	block *job.Block
	// scope is what the steps' expressions see; views are its `steps`.
	scope expr.Scope
	views map[string]any
	// pass is the item that the lane is run for; nil where there is none.
	pass     *place
	states   []job.StepState // by the steps' places in the block
	failures map[string]*job.Failure
	open     int  // steps under way
	kept     int  // bytes of the outputs in views
	lasts    bool // the outputs are kept for a compensation when the lane has ended
	over     bool
	done     func(outcome job.Status, failure *job.Failure)
}

// newLane returns a lane that has not begun. Its views begin with those that are in sight.
func (r *run) newLane(ctx workflow.Context, block *job.Block, scope expr.Scope, sight map[string]any) *lane {
	l := &lane{
		r: r, ctx: ctx, block: block, views: maps.Clone(sight),
		states: make([]job.StepState, len(block.Steps)), failures: map[string]*job.Failure{},
	}
	if l.views == nil {
		l.views = map[string]any{}
	}
	l.scope = with(scope, expr.Scope{"steps": l.views})
	return l
}

// advance starts and skips all that the steps' states allow. A lane whose
// context has ended starts nothing more, and ends once nothing is under way.
func (l *lane) advance() {
	if l.over {
		return
	}
	if l.ctx.Err() != nil {
		if l.open == 0 {
			l.cancelPending()
			l.end(job.StatusCanceled, nil)
		}
		return
	}
	plan := l.block.Next(l.states)
	for _, id := range plan.Skip {
		l.settle(l.r.program.Step(id), result{status: job.StatusSkipped, reason: job.ReasonUpstream})
	}
	if plan.Done {
		l.end(plan.Outcome, l.failures[plan.FailedStep])
		return
	}
	for _, id := range plan.Ready {
		l.begin(l.r.program.Step(id))
	}
}

func (l *lane) end(outcome job.Status, failure *job.Failure) {
	l.over = true
	l.done(outcome, failure)
	if l != l.r.main && !l.lasts {
		l.r.kept -= l.kept
	}
}

// begin evaluates a ready step's `if` and starts it.
func (l *lane) begin(step *job.Step) {
	wanted, err := l.r.program.Condition(step.ID, l.scope)
	switch {
	case err != nil:
		l.settle(step, failed(expressionFailure(step.ID, err)))
		return
	case !wanted:
		l.settle(step, result{status: job.StatusSkipped, reason: job.ReasonCondition})
		return
	}
	l.open++
	l.states[l.block.Place(step.ID)] = job.StepState{Status: job.StatusRunning}
	if step.Foreach != nil {
		l.startItems(step)
		return
	}
	u := &unit{r: l.r, lane: l, step: step, at: l.place(step), scope: l.scope, ctx: l.ctx}
	u.done = func(res result) { l.finish(step, res) }
	u.start()
}

// place is where a step's state in this lane is recorded.
func (l *lane) place(step *job.Step) place {
	if l.pass == nil {
		return place{step: step.ID}
	}
	return place{step: step.ID, key: l.pass.key, index: l.pass.index, item: true}
}

// finish takes the end of a step that was started.
func (l *lane) finish(step *job.Step, res result) {
	l.open--
	l.settle(step, res)
}

// settle fixes a step's end.
func (l *lane) settle(step *job.Step, res result) {
	r := l.r
	value, failure := l.keep(step, res)
	if failure != nil {
		res = result{status: job.StatusFailed, failure: failure, items: res.items}
	}
	if res.failed() && !res.excused {
		res = r.excuse(step, l.scope, res)
	}
	r.ended++
	r.budget.work++
	at := l.block.Place(step.ID)
	l.states[at] = job.StepState{Status: res.status, Reason: res.reason, Order: r.ended}
	if r.program.Mentions(step.ID) {
		l.views[step.ID] = stepView(res.status, value, res.failure, res.items)
	}
	if res.failure != nil {
		l.failures[step.ID] = res.failure
	}
	l.record(step, res)
	r.inbox.close(l.place(step))
	if l.open == 0 || l.block.Needed(at) {
		r.touch(l)
	}
}

// keep keeps the output of a step that succeeded, decoded where an expression may ask for it.
func (l *lane) keep(step *job.Step, res result) (any, *job.Failure) {
	mentioned := l.r.program.Mentions(step.ID)
	if res.status != job.StatusSucceeded || !mentioned && step.Compensate == nil {
		return nil, nil
	}
	if failure := l.r.hold(step.ID, len(res.output)); failure != nil {
		return nil, failure
	}
	l.kept += len(res.output)
	if !mentioned {
		return nil, nil
	}
	return decode(step.ID, res.output)
}

// record records a step's end, and those of a group's steps that it never came to.
func (l *lane) record(step *job.Step, res result) {
	now := workflow.Now(l.ctx)
	if res.status == job.StatusSucceeded && l.pass == nil {
		l.r.records.output(step.ID, res.output)
	}
	l.r.records.end(l.place(step), res, now)
	if l.pass == nil {
		l.r.records.endInner(step.ID, res, now)
	}
}

// cancelPending ends the steps that never began.
func (l *lane) cancelPending() {
	for i := range l.block.Steps {
		if status := l.states[i].Status; status == "" || status == job.StatusPending {
			l.settle(&l.block.Steps[i], result{status: job.StatusCanceled})
		}
	}
}

// result is how a step, or one of its items, ended.
type result struct {
	status job.Status
	reason job.Reason
	// output is set when it succeeded.
	output  json.RawMessage
	failure *job.Failure
	// items are how those of a `foreach` ended; nil without.
	items map[string]any
	// excused: `continueOnError` was asked already.
	excused bool
}

// failed is the end by a failure.
func failed(failure *job.Failure) result { return result{status: job.StatusFailed, failure: failure} }

func (res result) failed() bool {
	return res.status == job.StatusFailed || res.status == job.StatusTimedOut
}

// excuse asks the step's `continueOnError` whether it covers a failure.
func (r *run) excuse(step *job.Step, scope expr.Scope, res result) result {
	res.excused = true
	if step.ContinueOnError == "" {
		return res
	}
	covered, err := r.program.Continues(step.ID, scope, res.failure)
	switch {
	case err != nil:
		failure := *res.failure
		failure.Message += "; and " + expressionFailure(step.ID, err).Message
		res.failure = &failure
	case covered:
		res.reason = job.ReasonTolerated
	}
	return res
}
