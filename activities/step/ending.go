package step

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/job"
)

// ended says what an error means that came when the attempt's time was up or
// it was told to stop. A failure of the action's own stands.
func (a *attempt) ended(ctx, timed context.Context, err error) error {
	var own *activities.Failed
	switch {
	case errors.As(err, &own):
		return own
	case errors.Is(context.Cause(timed), errStopped):
		return interrupted(err)
	case errors.Is(context.Cause(timed), errPollOver):
		return a.pollTimeout("the last call was not done")
	case errors.Is(timed.Err(), context.DeadlineExceeded):
		return &activities.Failed{Cause: err, Failure: job.Failure{
			Code: "timeout", Message: fmt.Sprintf("the attempt was not done within the step's timeout of %s", a.in.Timeout), Retryable: true,
		}}
	case temporal.IsCanceledError(context.Cause(ctx)), errors.Is(context.Cause(ctx), context.Canceled):
		return canceled{}
	default: // the worker stops, or an operator paused the activity
		return interrupted(err)
	}
}

func interrupted(err error) error {
	return &activities.Failed{Cause: err, Failure: job.Failure{
		Code: activities.CodeInterrupted, Message: "the worker stopped before the attempt was done", Retryable: true,
	}}
}

// canceled is the end of an attempt that the run asked to stop.
type canceled struct{}

func (canceled) Error() string { return "canceled" }

// succeed closes the log of an attempt that has an output.
func (a *attempt) succeed(ctx context.Context, output json.RawMessage) activities.Log {
	took := time.Since(a.started).Round(time.Millisecond)
	a.log.Log(slog.LevelInfo, "succeeded in "+took.String(), slog.Int64("duration_ms", took.Milliseconds()), slog.Int("bytes", len(output)))
	return a.close(ctx)
}

// fail closes the log and returns the error that the activity ends with.
func (a *attempt) fail(ctx context.Context, err error) error {
	if errors.Is(err, canceled{}) {
		failure := job.Failure{Code: "canceled", Message: "the step was canceled before it ended", Step: a.in.Step, Item: a.in.Item}
		a.log.Log(slog.LevelWarn, "canceled")
		return temporal.NewCanceledError(activities.StepFailure{Failure: failure, Attempt: a.number, Log: a.close(ctx)})
	}
	if errors.Is(err, errNotYet) {
		return a.notYet(ctx)
	}
	failed := a.classify(err)
	next := a.next(failed)
	a.log.Log(slog.LevelError, "failed: "+failed.Error(), slog.String("retry", next.words))
	category := temporal.ApplicationErrorCategoryBenign // the job's own matter: its log tells it, not ours
	if failed.Code == string(job.CodeInternal) {
		category = temporal.ApplicationErrorCategoryUnspecified
	}
	if a.tally != nil && next.again {
		(&tally{Calls: a.executed, Failures: a.tally.Failures + 1}).record(ctx)
	}
	return temporal.NewApplicationErrorWithOptions(failed.Message, failed.Code, temporal.ApplicationErrorOptions{
		Category:       category,
		NonRetryable:   !next.again,
		NextRetryDelay: next.delay,
		Details:        []any{activities.StepFailure{Failure: failed.Failure, Attempt: a.number, Log: a.close(ctx)}},
	})
}

// notYet has the call made again, as a retry that spends no attempt: it holds
// no slot meanwhile, and leaves no trace in the run's history.
func (a *attempt) notYet(ctx context.Context) error {
	every := a.in.Poll.Every.Std()
	a.log.Log(slog.LevelInfo, "not yet: `until` is false", slog.String("retry", "in "+every.String()+": not yet"))
	(&tally{Calls: a.executed, Failures: a.tally.Failures}).record(ctx)
	failure := job.Failure{
		Code: activities.CodeNotYet, Message: "the poll's `until` was false", Step: a.in.Step, Item: a.in.Item, Retryable: true,
	}
	return temporal.NewApplicationErrorWithOptions(failure.Message, failure.Code, temporal.ApplicationErrorOptions{
		Category: temporal.ApplicationErrorCategoryBenign, NextRetryDelay: every,
		Details: []any{activities.StepFailure{Failure: failure, Attempt: a.number, Log: a.close(ctx)}},
	})
}

// classify returns a failure in the job's words; one that the action has none
// for is ours to mend, and only our log has its cause.
func (a *attempt) classify(err error) *activities.Failed {
	failed := &activities.Failed{}
	if own, ok := errors.AsType[*activities.Failed](err); ok {
		*failed = *own
	} else {
		a.Logger.Error("an action failed without a word for it", append(a.attrs(), slog.Any("error", err))...)
		failed.Code = string(job.CodeInternal)
		failed.Message = "the action met a defect of Fairlead; its operator's log has the cause"
	}
	for _, secret := range a.secrets {
		failed.Message = strings.ReplaceAll(failed.Message, secret, "***")
	}
	failed.Message = activities.OneLine(failed.Message, maxMessage)
	failed.Step, failed.Item = a.in.Step, a.in.Item
	return failed
}

// close keeps the log, also when ctx has ended. A log that can't be kept costs the step nothing.
func (a *attempt) close(ctx context.Context) activities.Log {
	kept, err := a.log.Close(context.WithoutCancel(ctx))
	if err != nil {
		a.Logger.Error("a step's log was lost", append(a.attrs(), slog.Any("error", err))...)
	}
	return kept
}

func (a *attempt) attrs() []any {
	attrs := []any{
		slog.String("team", a.in.Run.Team), slog.String("job", a.in.Run.Job), slog.String("run", a.in.Run.ID),
		slog.String("step", a.in.Step), slog.Int("attempt", a.number),
	}
	if a.in.Item != "" {
		attrs = append(attrs, slog.String("item", a.in.Item))
	}
	return attrs
}
