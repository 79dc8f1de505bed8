// Package step makes a Temporal activity of an action: it renders the step's
// `with`, keeps the attempt's log, heartbeats, holds the step's timeout, and
// says in the job's words how the attempt ended.
package step

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/job/expr"
)

const (
	// maxMessage bounds a failure's message in characters: the server keeps 4 KB of a pending activity's failure.
	maxMessage = 1000
	// travels is the size in bytes up to which an output certainly needs no S3 to travel.
	travels = 8 << 10
	// holdMargin is what is left of an attempt's time, when its output was held, to say so.
	holdMargin = 3 * time.Second
)

// Log is the log of one execution of an attempt.
type Log interface {
	activities.StepLog
	// Close keeps the log and names its object; it takes a few seconds at most.
	Close(ctx context.Context) (activities.Log, error)
}

// Deps are what every action's activity needs beside the action.
type Deps struct {
	// Check returns a rendered `with` with the action's defaults applied, or says
	// what is wrong with it; nil checks nothing.
	Check func(with []byte) (json.RawMessage, error)
	// Begin opens the log of an attempt; item is "" outside of a `foreach`.
	Begin func(run activities.Run, step, item string, attempt int) Log
	// Callback is the URL that ends the wait of a step; it is a secret.
	Callback func(run activities.Run, step, item string) string
	// Hold waits until S3 takes values, for a result too large to travel without it; nil never waits.
	Hold func(ctx context.Context) error
	// Expressions keeps what the steps' expressions compile to from one attempt to
	// the next; nil: the activity has one of its own.
	Expressions *job.Late
	// Drain is how long an attempt may go on when its worker is told to stop: less
	// than the worker's own time, so that the server still hears of it.
	Drain time.Duration
	// Logger takes what the step's owner can do nothing about.
	Logger *slog.Logger
}

// New returns the activity of an action. It ends with a result, a canceled
// error, or an application error whose type is the failure's code and whose
// detail is an [activities.StepFailure].
func New(action activities.Action, deps Deps) func(context.Context, activities.Step) (activities.StepResult, error) {
	if deps.Expressions == nil {
		deps.Expressions = job.NewLate()
	}
	return func(ctx context.Context, in activities.Step) (activities.StepResult, error) {
		a := begin(ctx, action, deps, in)
		output, err := a.run(ctx)
		if err == nil {
			return activities.StepResult{Output: output, Attempt: a.number, Log: a.succeed(ctx, output)}, nil
		}
		return activities.StepResult{}, a.fail(ctx, err)
	}
}

// attempt is one execution of a step's activity.
type attempt struct {
	Deps
	action activities.Action
	in     activities.Step
	// executed is how often the activity was executed, this time included; for a
	// poll that is more than the attempts.
	executed int
	number   int
	// max is how many attempts there are, 0 for no limit.
	max    int
	policy temporal.RetryPolicy
	// tally is nil unless the step polls.
	tally   *tally
	values  expr.Scope
	secrets []string
	log     Log
	started time.Time
}

func begin(ctx context.Context, action activities.Action, deps Deps, in activities.Step) *attempt {
	info := activity.GetInfo(ctx)
	a := &attempt{
		Deps: deps, action: action, in: in, executed: int(info.Attempt), number: in.Before + int(info.Attempt),
		policy: policyOf(info), started: time.Now(),
	}
	if a.policy.MaximumAttempts > 0 {
		a.max = in.Before + int(a.policy.MaximumAttempts)
	}
	a.count(ctx)
	a.log = deps.Begin(in.Run, in.Step, in.Item, a.number)
	what := fmt.Sprintf("attempt %d of step %s", a.number, in.Step)
	if in.Item != "" {
		what += ", item " + in.Item
	}
	if a.tally != nil {
		what += fmt.Sprintf(", call %d", a.executed)
	}
	a.log.Log(slog.LevelInfo, what, slog.String("action", info.ActivityType.Name))
	return a
}

// policyOf is the activity's retry policy; where the server says nothing of it, that of a step that says nothing.
func policyOf(info activity.Info) temporal.RetryPolicy {
	if info.RetryPolicy != nil {
		return *info.RetryPolicy
	}
	usual := job.DefaultRetry()
	return temporal.RetryPolicy{
		InitialInterval: usual.Initial.Std(), BackoffCoefficient: usual.Factor, MaximumInterval: usual.Max.Std(),
	}
}

// run makes the call within the step's timeout, heartbeating beside it.
func (a *attempt) run(ctx context.Context) (json.RawMessage, error) {
	if err := a.decodeScope(); err != nil {
		return nil, refuse(string(job.CodeExpression), "the step's values can't be read: "+err.Error(), err)
	}
	if err := a.late(); err != nil {
		return nil, err
	}
	with, err := a.prepare()
	if err != nil {
		return nil, err
	}
	working, interrupt := context.WithCancelCause(ctx)
	defer interrupt(nil)
	timed, cancel := a.bound(working)
	defer cancel()
	defer onStop(ctx, a.Drain, func() { interrupt(errStopped) })()
	defer heartbeat(ctx, a.tally)()
	output, err := a.call(timed, with)
	switch {
	case err == nil && !json.Valid(output):
		return nil, errors.New("the action's output is not JSON")
	case err != nil && timed.Err() != nil:
		return nil, a.ended(ctx, timed, err)
	case err != nil:
		return nil, err
	}
	if output, err = a.result(output); err != nil {
		return nil, err
	}
	if err := a.hold(working, output); err != nil {
		return nil, a.ended(ctx, working, err)
	}
	return output, nil
}

// prepare returns the rendered `with`, checked, and settles the token.
func (a *attempt) prepare() (json.RawMessage, error) {
	with, err := a.render(a.in.With, a.withCallbacks())
	if err != nil {
		return nil, refuse(string(job.CodeExpression), "`with` can't be evaluated: "+err.Error(), err)
	}
	if a.Check != nil {
		if with, err = a.Check(with); err != nil {
			return nil, refuse("invalid_with", "`with` is not what the action takes: "+problems(err), err)
		}
	}
	return with, a.settleToken()
}

// bound gives a call the step's timeout, and what is left of its poll's.
func (a *attempt) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	cancels := make([]context.CancelFunc, 0, 2)
	if a.in.Timeout > 0 {
		timed, cancel := context.WithTimeout(ctx, a.in.Timeout)
		ctx, cancels = timed, append(cancels, cancel)
	}
	if a.tally != nil {
		timed, cancel := context.WithDeadlineCause(ctx, a.pollEnd(), errPollOver)
		ctx, cancels = timed, append(cancels, cancel)
	}
	return ctx, func() {
		for _, cancel := range cancels {
			cancel()
		}
	}
}

// result is what the step gives of an action's output, if it is done.
func (a *attempt) result(output json.RawMessage) (json.RawMessage, error) {
	value, err := expr.Decode(output)
	if err != nil {
		return nil, refuse("invalid_output", "the output can't be passed on: "+err.Error(), err)
	}
	if err := a.judgePoll(value); err != nil {
		return nil, err
	}
	if len(a.in.Output) > 0 {
		if output, err = a.render(a.in.Output, a.with("output", value)); err != nil {
			return nil, refuse(string(job.CodeExpression), "`output` can't be evaluated: "+err.Error(), err)
		}
	}
	if tooLarge, ok := errors.AsType[*job.Error](job.CheckOutput("the step's output", output)); ok {
		return nil, refuse(string(tooLarge.Code), tooLarge.Message, tooLarge)
	}
	return output, nil
}

// hold keeps a large output, heartbeating, while S3 is away: the call is not made again
// for want of a place for its answer. Its time is not the step's, but what the server allows.
func (a *attempt) hold(ctx context.Context, output json.RawMessage) error {
	if a.Hold == nil || len(output) <= travels {
		return nil
	}
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadlineCause(ctx, deadline.Add(-holdMargin), errUnkept)
		defer cancel()
	}
	err := a.Hold(ctx)
	if err != nil && errors.Is(context.Cause(ctx), errUnkept) {
		return &activities.Failed{Cause: err, Failure: job.Failure{Code: activities.CodeInterrupted, Message: errUnkept.Error(), Retryable: true}}
	}
	return err
}

// call runs the action; its panic is an error, so that the log is closed.
func (a *attempt) call(ctx context.Context, with json.RawMessage) (output json.RawMessage, err error) {
	defer func() {
		if panicked := recover(); panicked != nil {
			output, err = nil, fmt.Errorf("the action panicked: %v", panicked)
		}
	}()
	return a.action.Do(ctx, activities.Call{
		Run: a.in.Run, Step: a.in.Step, Item: a.in.Item, With: with, Template: a.in.With, Token: a.in.Token, Attempt: a.number, Log: a.log,
	})
}

// problems is what a check found, in one line.
func problems(err error) string {
	var found *job.Error
	if !errors.As(err, &found) || len(found.Fields) == 0 {
		return err.Error()
	}
	texts := make([]string, len(found.Fields))
	for i, field := range found.Fields {
		texts[i] = field.String()
	}
	return strings.Join(texts, "; ")
}

// refuse is a failure that another try won't mend.
func refuse(code, message string, cause error) *activities.Failed {
	return &activities.Failed{Failure: job.Failure{Code: code, Message: message}, Cause: cause}
}
