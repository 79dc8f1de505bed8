package step

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/job"
)

// errPollOver is why a call is cut short when its poll's time is up.
var errPollOver = errors.New("the poll's time is up")

// errNotYet is the end of a call after which the poll goes on.
var errNotYet = errors.New("not yet")

// tally is what the calls of a poll have come to. The details of heartbeats
// carry it from one execution of the activity to the next; nil: no poll.
type tally struct {
	Calls    int `json:"calls"`
	Failures int `json:"failures"`
}

// record keeps the tally, and tells the server that the attempt lives.
func (t *tally) record(ctx context.Context) {
	if t == nil {
		activity.RecordHeartbeat(ctx)
		return
	}
	activity.RecordHeartbeat(ctx, *t)
}

// count reads the tally of a poll and numbers the attempt: calls whose output
// was only not ready spend none. An execution that said nothing has lost its
// worker, and failed.
func (a *attempt) count(ctx context.Context) {
	if a.in.Poll == nil {
		return
	}
	kept := tally{}
	if activity.HasHeartbeatDetails(ctx) {
		if err := activity.GetHeartbeatDetails(ctx, &kept); err != nil {
			a.Logger.Warn("a poll's tally can't be read", append(a.attrs(), "error", err)...)
		}
	}
	kept.Failures += max(a.executed-1-kept.Calls, 0)
	kept.Calls = a.executed - 1
	a.tally, a.max = &kept, a.in.Attempts
	a.number = a.in.Before + kept.Failures + 1
	if a.max > 0 {
		a.number = min(a.number, a.max)
	}
}

// late refuses a call that may not be made any more: the poll's time is up, or
// the worker of its last attempt was lost.
func (a *attempt) late() error {
	switch {
	case a.tally == nil:
		return nil
	case !time.Now().Before(a.pollEnd()):
		return a.pollTimeout("no call could be made in time")
	case a.max > 0 && a.in.Before+a.tally.Failures >= a.max:
		return &activities.Failed{Failure: job.Failure{
			Code: "worker_lost", Message: "no worker answered for the last attempt of the step", Retryable: true,
		}}
	}
	return nil
}

// pollEnd is when the poll's time is up.
func (a *attempt) pollEnd() time.Time { return a.in.Since.Add(a.in.Poll.Timeout.Std()) }

// judgePoll reports what a poll makes of an output: nil when it is done.
func (a *attempt) judgePoll(output any) error {
	if a.tally == nil {
		return nil
	}
	scope := a.with("output", output)
	if a.in.Poll.FailIf != "" {
		failed, err := a.Expressions.Bool(a.in.Poll.FailIf, scope)
		if err != nil {
			return refuse(string(job.CodeExpression), "`poll.failIf` can't be evaluated: "+err.Error(), err)
		}
		if failed {
			return refuse(activities.CodePollFailed, "`poll.failIf` says that it has failed: "+a.in.Poll.FailIf, nil)
		}
	}
	done, err := a.Expressions.Bool(a.in.Poll.Until, scope)
	switch {
	case err != nil:
		return refuse(string(job.CodeExpression), "`poll.until` can't be evaluated: "+err.Error(), err)
	case done:
		return nil
	case time.Now().Add(a.in.Poll.Every.Std()).After(a.pollEnd()):
		return a.pollTimeout(fmt.Sprintf("`until` was false after %d calls", a.executed))
	}
	return errNotYet
}

// pollTimeout is the failure of a poll that may make no further call.
func (a *attempt) pollTimeout(why string) *activities.Failed {
	return refuse(activities.CodePollTimeout, fmt.Sprintf("the poll was not done within its timeout of %s: %s", a.in.Poll.Timeout, why), nil)
}
