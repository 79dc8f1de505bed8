package step

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
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
		failure := job.Failure{Code: "canceled", Message: "the step was canceled before it ended", Step: a.in.Step}
		a.log.Log(slog.LevelWarn, "canceled")
		return temporal.NewCanceledError(activities.StepFailure{Failure: failure, Attempt: a.number, Log: a.close(ctx)})
	}
	failed := a.classify(err)
	a.log.Log(slog.LevelError, "failed: "+failed.Error(), slog.String("retry", a.outlook(failed)))
	category := temporal.ApplicationErrorCategoryBenign // the job's own matter: its log tells it, not ours
	if failed.Code == string(job.CodeInternal) {
		category = temporal.ApplicationErrorCategoryUnspecified
	}
	return temporal.NewApplicationErrorWithOptions(failed.Message, failed.Code, temporal.ApplicationErrorOptions{
		Category:       category,
		NonRetryable:   !failed.Retryable || failed.Code == activities.CodeInterrupted, // the workflow does it again, uncounted
		NextRetryDelay: failed.RetryAfter,
		Details:        []any{activities.StepFailure{Failure: failed.Failure, Attempt: a.number, Log: a.close(ctx)}},
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
	failed.Message = activities.OneLine(failed.Message, maxMessage)
	failed.Step = a.in.Step
	return failed
}

// outlook says in a word or two what happens next.
func (a *attempt) outlook(failed *activities.Failed) string {
	switch {
	case failed.Code == activities.CodeInterrupted:
		return "at once, on the next worker"
	case !failed.Retryable:
		return "no: another attempt would not help"
	case a.max > 0 && a.number >= a.max:
		return fmt.Sprintf("no: that was the last of %d attempts", a.max)
	case failed.RetryAfter > 0:
		return "in " + failed.RetryAfter.String() + ", as the server asks"
	default:
		return "after the step's backoff"
	}
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
	return []any{
		slog.String("team", a.in.Run.Team), slog.String("job", a.in.Run.Job), slog.String("run", a.in.Run.ID),
		slog.String("step", a.in.Step), slog.Int("attempt", a.number),
	}
}
