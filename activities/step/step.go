// Package step makes a Temporal activity of an action: it renders the step's
// `with`, keeps the attempt's log, heartbeats, holds the step's timeout, and
// says in the job's words how the attempt ended.
package step

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/job/expr"
)

const (
	heartbeatEvery = 5 * time.Second
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
	// Begin opens the log of an attempt.
	Begin func(run activities.Run, step string, attempt int) Log
	// Hold waits until S3 takes values, for a result too large to travel without it; nil never waits.
	Hold func(ctx context.Context) error
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
	number int
	// max is how many attempts there are, 0 for no limit.
	max     int
	log     Log
	started time.Time
}

func begin(ctx context.Context, action activities.Action, deps Deps, in activities.Step) *attempt {
	info := activity.GetInfo(ctx)
	a := &attempt{Deps: deps, action: action, in: in, number: in.Before + int(info.Attempt), started: time.Now()}
	if info.RetryPolicy != nil && info.RetryPolicy.MaximumAttempts > 0 {
		a.max = in.Before + int(info.RetryPolicy.MaximumAttempts)
	}
	a.log = deps.Begin(in.Run, in.Step, a.number)
	a.log.Log(slog.LevelInfo, fmt.Sprintf("attempt %d of step %s", a.number, in.Step), slog.String("action", info.ActivityType.Name))
	return a
}

// run makes the call within the step's timeout, heartbeating beside it.
func (a *attempt) run(ctx context.Context) (json.RawMessage, error) {
	with, err := render(a.in)
	if err != nil {
		return nil, refuse(string(job.CodeExpression), "`with` can't be evaluated: "+err.Error(), err)
	}
	if a.Check != nil {
		if with, err = a.Check(with); err != nil {
			return nil, refuse("invalid_with", "`with` is not what the action takes: "+problems(err), err)
		}
	}
	working, interrupt := context.WithCancelCause(ctx)
	defer interrupt(nil)
	timed, cancel := working, context.CancelFunc(func() {})
	if a.in.Timeout > 0 {
		timed, cancel = context.WithTimeout(working, a.in.Timeout)
	}
	defer cancel()
	defer onStop(ctx, a.Drain, func() { interrupt(errStopped) })()
	defer heartbeat(ctx)()
	output, err := a.call(timed, with)
	switch {
	case err == nil && !json.Valid(output):
		return nil, errors.New("the action's output is not JSON")
	case err != nil && timed.Err() != nil:
		return nil, a.ended(ctx, timed, err)
	case err != nil:
		return nil, err
	}
	if _, err := expr.Decode(output); err != nil {
		return nil, refuse("invalid_output", "the output can't be passed on: "+err.Error(), err)
	}
	if tooLarge, ok := errors.AsType[*job.Error](job.CheckOutput("the step's output", output)); ok {
		return nil, refuse(string(tooLarge.Code), tooLarge.Message, tooLarge)
	}
	if err := a.hold(working, output); err != nil {
		return nil, a.ended(ctx, working, err)
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
		Run: a.in.Run, Step: a.in.Step, With: with, Template: a.in.With, Token: a.in.Token, Attempt: a.number, Log: a.log,
	})
}

// render evaluates the step's `with` and returns it as JSON.
func render(in activities.Step) (json.RawMessage, error) {
	with, err := decode(in.With)
	if err != nil {
		return nil, err
	}
	values, err := decode(in.Scope)
	if err != nil {
		return nil, err
	}
	scope, ok := values.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("the step's values are %T, not an object", values)
	}
	rendered, err := expr.Render(with, scope)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(rendered); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(out.Bytes()), nil
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

// decode reads JSON; nothing is an empty object.
func decode(raw json.RawMessage) (any, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return map[string]any{}, nil
	}
	return expr.Decode(raw)
}

// errUnkept is why an attempt with a large output ends when S3 stays away.
var errUnkept = errors.New("S3 is away, and the output is too large to travel without it")

// errStopped is why an attempt is cut short when its worker stops.
var errStopped = errors.New("the worker stops")

// onStop calls do when the worker was told to stop and the pause has passed,
// unless the returned function was called before.
func onStop(ctx context.Context, pause time.Duration, do func()) (cancel func()) {
	done := make(chan struct{})
	go func() {
		select {
		case <-activity.GetWorkerStopChannel(ctx):
		case <-done:
			return
		}
		timer := time.NewTimer(pause)
		defer timer.Stop()
		select {
		case <-timer.C:
			do()
		case <-done:
		}
	}()
	return func() { close(done) }
}

// heartbeat tells the server that the attempt lives, until the returned function is called.
func heartbeat(ctx context.Context) (stop func()) {
	done, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		ticker := time.NewTicker(heartbeatEvery)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				activity.RecordHeartbeat(ctx)
			}
		}
	}()
	return func() {
		close(done)
		<-gone
	}
}

// refuse is a failure that another try won't mend.
func refuse(code, message string, cause error) *activities.Failed {
	return &activities.Failed{Failure: job.Failure{Code: code, Message: message}, Cause: cause}
}
