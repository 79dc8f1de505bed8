package workers_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/workers"
)

func TestErrorsReachTemporalWithTheirCode(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err     error
		code    string
		final   bool
		retryIn time.Duration
	}{
		"ours":             {fmt.Errorf("record: %w", job.Errorf(job.CodeNotFound, "no run")), "not_found", true, 0},
		"ours, retryable":  {job.Errorf(job.CodeUnavailable, "away"), "unavailable", false, 0},
		"an action's":      {&activities.Failed{Failure: job.Failure{Code: "email_refused"}}, "email_refused", true, 0},
		"an action's wait": {&activities.Failed{Failure: job.Failure{Code: "email_unavailable", Retryable: true}, RetryAfter: time.Minute}, "email_unavailable", false, time.Minute},
		"done already":     {temporal.NewNonRetryableApplicationError("x", "http_status", nil), "http_status", true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got *temporal.ApplicationError
			require.ErrorAs(t, workers.ToTemporal(test.err), &got)
			require.Equal(t, test.code, got.Type())
			require.Equal(t, test.final, got.NonRetryable())
			require.Equal(t, test.retryIn, got.NextRetryDelay())
		})
	}
	other := errors.New("other")
	require.Equal(t, other, workers.ToTemporal(other))
	require.NoError(t, workers.ToTemporal(nil))
	canceled := temporal.NewCanceledError()
	require.Equal(t, canceled, workers.ToTemporal(canceled))
}

func TestEveryCodeIsRetryableOrNot(t *testing.T) {
	t.Parallel()
	for _, code := range constants(t, "../internal/job/error.go", "Code") {
		require.Contains(t, workers.Retryable, job.Code(code))
	}
}
