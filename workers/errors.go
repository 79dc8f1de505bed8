package workers

import (
	"context"
	"errors"

	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/job"
)

// retryable is the one table of which errors of ours another attempt may mend.
var retryable = map[job.Code]bool{
	job.CodeUnavailable:         true,
	job.CodeInternal:            true, // a new build may mend it
	job.CodeInvalidDefinition:   false,
	job.CodeInvalidInput:        false,
	job.CodeMalformed:           false,
	job.CodeTooLarge:            false,
	job.CodeUnsupportedType:     false,
	job.CodeUnauthenticated:     false,
	job.CodeForbidden:           false,
	job.CodeNotFound:            false,
	job.CodeConflict:            false,
	job.CodeIdempotencyMismatch: false,
	job.CodeUnknownVariable:     false,
	job.CodeStale:               false,
	job.CodeUnconditional:       false,
	job.CodeGone:                false,
}

// errorMapper gives Temporal every activity's error with its code and whether to try again.
type errorMapper struct {
	interceptor.WorkerInterceptorBase
}

// InterceptActivity wraps an activity.
func (errorMapper) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	return &mappedActivity{interceptor.ActivityInboundInterceptorBase{Next: next}}
}

type mappedActivity struct {
	interceptor.ActivityInboundInterceptorBase
}

// ExecuteActivity runs the activity.
func (m *mappedActivity) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	result, err := m.Next.ExecuteActivity(ctx, in)
	return result, toTemporal(err)
}

// toTemporal turns our errors into Temporal's; any other stays as it is, and is tried again.
func toTemporal(err error) error {
	var (
		done   *temporal.ApplicationError
		failed *activities.Failed
		ours   *job.Error
	)
	switch {
	case errors.As(err, &done):
		return err
	case errors.As(err, &failed):
		return temporal.NewApplicationErrorWithOptions(failed.Message, failed.Code, temporal.ApplicationErrorOptions{
			NonRetryable: !failed.Retryable, NextRetryDelay: failed.RetryAfter,
		})
	case errors.As(err, &ours):
		return temporal.NewApplicationErrorWithOptions(err.Error(), string(ours.Code), temporal.ApplicationErrorOptions{
			NonRetryable: !retryable[ours.Code],
		})
	default:
		return err
	}
}
