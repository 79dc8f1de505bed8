// Package workflows orders what a run does: which steps are ready, and with
// which options their activities are called. It is deterministic and does
// nothing itself.
//
// A run's workflow goes through these states:
//
//	running ⇄ waiting ──▶ canceling ──▶ compensating ──▶ finally ──▶ recorded ──▶ told
//	   │ steps start as their needs are satisfied
//	   └─ cancel, timeout, a full history, or nothing left to do
//
// Everything happens in one coroutine: what was started calls back through the
// run's [watch], and a callback touches what may go on because of it. A [lane]
// runs a block of steps, [items] a step's `foreach`, a [unit] one pass of a step.
package workflows

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/job/expr"
)

// maxKept bounds, in bytes, the outputs that a run keeps for its expressions:
// decoding them takes some 60 ms a MiB, and a workflow task 10 s at most.
const maxKept = 64 << 20

// NewRun returns the workflow of runs, which keeps the definitions that it has
// opened. A run is one execution of a job: it returns an application error whose
// type is the failure's code when the run failed or timed out, and a canceled
// error when it was canceled; by then the row says the same.
func NewRun() func(ctx workflow.Context, in RunInput) (RunResult, error) {
	programs := job.NewPrograms()
	return func(ctx workflow.Context, in RunInput) (RunResult, error) {
		r, err := newRun(ctx, in, programs)
		if err != nil {
			return RunResult{}, err
		}
		if err := r.listen(ctx); err != nil {
			return RunResult{}, err
		}
		r.records = newRecorder(ctx, in, r.program.Definition, r.status)
		r.begin(ctx)
		r.until(ctx, func() bool { return r.main.over })
		r.clock.stop()
		r.evaluateOutput()
		r.cleanUp(ctx)
		return r.end(ctx)
	}
}

// run is the state of one execution of Run.
type run struct {
	in      RunInput
	program *job.Program
	// scope holds what every expression sees: input, run and vars.
	scope    expr.Scope
	records  *recorder
	watch    *watch
	budget   budget // of the workflow task that is under way
	clock    *clock
	calls    slots // of the activities that are under way
	children slots // of the runs that are waited for
	rests    slots // of the waits and approvals that have begun
	inbox    *inbox
	main     *lane
	stop     workflow.CancelFunc // ends every step that is under way
	touched  []advancer          // what may go on, in the order in which that was noticed
	pending  map[advancer]bool   // what is in touched

	started time.Time
	ended   int // how many steps have
	kept    int // bytes of the outputs that expressions may refer to
	waiting int // how many steps and items wait for a time or an answer
	// completed are the passes that can be undone, in the order of their completion.
	completed []completion
	outcome   job.Status
	failure   *job.Failure
	output    json.RawMessage
	cleanup   job.Status
	// stopCleanup ends the cleanup before it is done; nil while there is none.
	stopCleanup func()
}

// advancer is something that goes on when what it waits for has changed.
type advancer interface{ advance() }

func newRun(ctx workflow.Context, in RunInput, programs *job.Programs) (*run, error) {
	program, err := programs.Open(in.Definition)
	if err != nil {
		return nil, temporal.NewNonRetryableApplicationError("the definition in the run's input can't be opened", string(job.CodeOf(err)), err)
	}
	input, err := expr.Decode(in.Input)
	if err != nil {
		return nil, temporal.NewNonRetryableApplicationError("the run's input isn't JSON", string(job.CodeInvalidInput), err)
	}
	vars := any(map[string]any{})
	if len(in.Vars) > 0 {
		if vars, err = expr.Decode(in.Vars); err != nil {
			return nil, temporal.NewNonRetryableApplicationError("the run's variables aren't JSON", string(job.CodeInternal), err)
		}
	}
	started := workflow.Now(ctx).UTC()
	r := &run{
		in: in, program: program, started: started,
		watch: &watch{}, inbox: newInbox(program.Definition), pending: map[advancer]bool{},
		children: slots{most: maxInFlight}, rests: slots{most: maxResting},
	}
	r.calls = slots{most: maxInFlight, closed: r.budget.spent}
	r.scope = expr.Scope{
		"input": input,
		"vars":  vars,
		"run": map[string]any{
			"id": in.Run.ID, "job": in.Run.Job, "version": int64(in.Run.Version),
			"trigger": in.Trigger, "startedAt": started.Format(time.RFC3339Nano),
		},
	}
	return r, nil
}

// begin begins with the job's steps. It is over when every one has ended: by
// itself, or because the run was stopped.
func (r *run) begin(ctx workflow.Context) {
	steps, stop := workflow.WithCancel(ctx)
	r.stop = stop
	timeout := r.program.Definition.Timeout
	r.clock = newClock(ctx, r.watch, timeout.Std(), func() {
		r.fix(job.StatusTimedOut, "run_timeout", "the run did not end within its timeout of "+timeout.String())
	})
	r.main = r.newLane(steps, r.program.Main, r.scope, nil)
	r.main.done = func(outcome job.Status, failure *job.Failure) {
		if r.outcome == "" {
			r.outcome, r.failure = outcome, failure
		}
	}
	r.touch(r.main)
}

// until goes on until something is true. The SDK walks the stack whenever a
// workflow waits, so it does that from near its bottom.
func (r *run) until(ctx workflow.Context, done func() bool) {
	r.drain(ctx)
	awake, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	ready := r.watch.ready
	for !done() {
		r.await(awake, ready)
		r.watch.next()
		r.drain(ctx)
	}
}

// await waits until something is true. Recording goes on meanwhile.
func (r *run) await(ctx workflow.Context, ready func() bool) {
	for !ready() {
		r.records.advance()
		_ = workflow.Await(ctx, func() bool { return ready() || r.records.due() }) // it errs for a canceled context alone
	}
}

// drain lets everything go on that was touched, over several workflow tasks when that is much.
func (r *run) drain(ctx workflow.Context) {
	r.budget.renew(ctx)
	r.look(ctx)
	for r.budget.spent() || len(r.touched) > 0 {
		if r.budget.spent() {
			r.breathe(ctx)
			continue
		}
		next := r.touched[0]
		r.touched = r.touched[1:]
		delete(r.pending, next)
		next.advance()
	}
}

// look stops the run when it is canceled or its history is full.
func (r *run) look(ctx workflow.Context) {
	if ctx.Err() != nil {
		r.fix(job.StatusCanceled, "canceled", "the run was canceled")
	}
	r.guardHistory(ctx)
}

// touch notes that something may go on.
func (r *run) touch(a advancer) {
	if !r.pending[a] {
		r.pending[a] = true
		r.touched = append(r.touched, a)
	}
}

// fix fixes the outcome before every step has ended, and stops those that are
// under way; the first one stands.
func (r *run) fix(outcome job.Status, code, message string) {
	if r.outcome != "" {
		return
	}
	r.outcome, r.failure = outcome, &job.Failure{Code: code, Message: message}
	r.stop()
	r.sweep()
	r.touch(r.main)
}

// sweep ends what waits for a slot though its context has ended.
func (r *run) sweep() {
	r.rests.sweep()
	r.children.sweep()
	r.calls.sweep()
}

// status is that of the run while it goes on.
func (r *run) status() job.Status {
	if r.waiting > 0 && !r.calls.busy() && !r.children.busy() {
		return job.StatusWaiting
	}
	return job.StatusRunning
}

// hold counts an output that is kept, unless there is no room for it. All that a run keeps is bounded: it is held
// in memory and decoded again whenever the workflow is replayed, within one
// workflow task.
func (r *run) hold(id string, size int) *job.Failure {
	r.budget.moved += size
	if r.kept+size <= maxKept {
		r.kept += size
		return nil
	}
	return &job.Failure{Code: string(job.CodeTooLarge), Step: id, Message: fmt.Sprintf(
		"the outputs that expressions refer to have more than %d MiB together: keep large data elsewhere and pass its address", maxKept>>20)}
}

// decode reads an output for expressions.
func decode(id string, output json.RawMessage) (any, *job.Failure) {
	value, err := expr.Decode(output)
	if err != nil {
		return nil, &job.Failure{Code: string(job.CodeInternal), Step: id, Message: "the output isn't JSON"}
	}
	return value, nil
}

// evaluateOutput gives a run that succeeded its output; one that can't be evaluated or is too large fails the run.
func (r *run) evaluateOutput() {
	if r.outcome != job.StatusSucceeded {
		return
	}
	output, err := r.program.Output(r.main.scope)
	if err == nil {
		err = job.CheckOutput("the run's output", output)
	}
	if err != nil {
		r.outcome, r.failure = job.StatusFailed, expressionFailure("", err)
		return
	}
	r.output = output
}

// with returns a scope with more variables; a later name wins.
func with(scope expr.Scope, more expr.Scope) expr.Scope {
	inside := maps.Clone(scope)
	maps.Copy(inside, more)
	return inside
}
