package step_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	tlog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/job"
)

// script answers the calls of a poll one after the other: an output, or the code
// of a failure behind "!"; a "?" is a worker that is lost.
type script []string

func (s *script) next() string {
	answer := (*s)[0]
	*s = (*s)[1:]
	return answer
}

func (s *script) Do(context.Context, activities.Call) (json.RawMessage, error) {
	answer := s.next()
	if code, failed := strings.CutPrefix(answer, "!"); failed {
		return nil, &activities.Failed{Failure: job.Failure{Code: code, Message: "x", Retryable: true}}
	}
	return json.RawMessage(answer), nil
}

// polling is a step that polls for an hour, and may fail three times.
func polling() activities.Step {
	in := input()
	in.Since, in.Attempts = time.Now(), 3
	in.Poll = &job.Poll{
		Every: job.Duration(30 * time.Second), Until: "${output.state == 'READY'}", FailIf: "${output.state == 'BROKEN'}",
		Timeout: job.Duration(time.Hour),
	}
	return in
}

// poll lets a workflow execute the step until it ends, as a run does it.
func poll(t *testing.T, in activities.Step, answers ...string) (*trial, activities.StepResult, error) {
	t.Helper()
	calls := script(answers)
	tr := setup(t, calls.Do, nil)
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(tlog.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestWorkflowEnvironment()
	env.RegisterActivityWithOptions(func(ctx context.Context, in activities.Step) (activities.StepResult, error) {
		if len(calls) > 0 && calls[0] == "?" {
			calls.next()
			return activities.StepResult{}, errors.New("the server heard nothing of it")
		}
		return tr.fn(ctx, in)
	}, activity.RegisterOptions{Name: "http"})
	env.RegisterWorkflowWithOptions(func(ctx workflow.Context, in activities.Step) (activities.StepResult, error) {
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
			StartToCloseTimeout: time.Minute,
			RetryPolicy: &temporal.RetryPolicy{
				InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: 3 * time.Second, MaximumAttempts: 100,
			},
		})
		var result activities.StepResult
		err := workflow.ExecuteActivity(ctx, "http", in).Get(ctx, &result)
		return result, err
	}, workflow.RegisterOptions{Name: "Run"})
	env.ExecuteWorkflow("Run", in)
	require.True(t, env.IsWorkflowCompleted())
	require.Empty(t, calls)
	var result activities.StepResult
	err := env.GetWorkflowError()
	if err == nil {
		require.NoError(t, env.GetWorkflowResult(&result))
	}
	return tr, result, err
}

// code is that of the failure that a step ended with.
func code(t *testing.T, err error) string {
	t.Helper()
	var application *temporal.ApplicationError
	require.ErrorAs(t, err, &application)
	var detail activities.StepFailure
	require.NoError(t, application.Details(&detail))
	require.Equal(t, application.Type(), detail.Failure.Code)
	return fmt.Sprint(detail.Failure.Code, " ", detail.Attempt)
}

// outlooks are what the attempts' logs say of what comes next.
func (tr *trial) outlooks() (next []string) {
	for _, line := range tr.log.lines {
		if _, rest, ok := strings.Cut(line, "[retry="); ok {
			next = append(next, strings.TrimSuffix(rest, "]"))
		}
	}
	return next
}

const (
	waiting = `{"state": "WAITING"}`
	ready   = `{"state": "READY"}`
)

func TestPollGoesOnUntilItIsDone(t *testing.T) {
	t.Parallel()
	in := polling()
	in.Output = json.RawMessage(`"${output.state}"`)
	tr, result, err := poll(t, in, waiting, waiting, "!busy", waiting, "!busy", waiting, ready)
	require.NoError(t, err)
	require.Equal(t, `"READY"`, string(result.Output))
	require.Equal(t, 3, result.Attempt, "not yet spends no attempt")
	require.Equal(t, []string{
		"in 30s: not yet", "in 30s: not yet", "in 1s", "in 30s: not yet", "in 2s", "in 30s: not yet",
	}, tr.outlooks(), "the backoff is that of the failures alone")
	require.Contains(t, tr.log.text(), "attempt 3 of step load, call 7")
	require.NotContains(t, tr.log.text(), "ERROR not yet")
}

func TestFailedCallsOfAPollSpendAttempts(t *testing.T) {
	t.Parallel()
	tr, _, err := poll(t, polling(), "!a", waiting, "!b", waiting, "!c")
	require.Equal(t, "c 3", code(t, err))
	require.Equal(t, "no: that was the last of 3 attempts", tr.outlooks()[4])

	in := polling()
	in.Before = 2 // an earlier activity, whose worker was stopped
	_, _, err = poll(t, in, waiting, "!c")
	require.Equal(t, "c 3", code(t, err))
}

func TestLostWorkersOfAPollSpendAttempts(t *testing.T) {
	t.Parallel()
	_, result, err := poll(t, polling(), waiting, "?", waiting, "?", ready)
	require.NoError(t, err)
	require.Equal(t, 3, result.Attempt)

	in := polling()
	in.RetryIf = "${error.retryable && input.id > 0}"
	tr, _, err := poll(t, in, "?", waiting, "!a", waiting, "?")
	require.Equal(t, "worker_lost 3", code(t, err), "no call more than was asked for")
	require.Contains(t, tr.outlooks()[3], "no: that was the last of 3 attempts")
}

func TestPollThatFails(t *testing.T) {
	t.Parallel()
	in := polling()
	in.RetryIf = "${true}"
	tr, _, err := poll(t, in, waiting, `{"state": "BROKEN"}`)
	require.Equal(t, "poll_failed 1", code(t, err))
	require.Equal(t, "no: the poll is over", tr.outlooks()[1])
	require.Contains(t, err.Error(), "${output.state == 'BROKEN'}")
}

func TestPollWhoseConditionsCannotBeEvaluated(t *testing.T) {
	t.Parallel()
	for _, output := range []string{"1", "{}"} {
		_, _, err := poll(t, polling(), output)
		require.Equal(t, "expression 1", code(t, err))
		require.Contains(t, err.Error(), "`poll.failIf` can't be evaluated")
	}
	in := polling()
	in.Poll.FailIf, in.Poll.Until = "", "${output.state}"
	_, _, err := poll(t, in, ready)
	require.Equal(t, "expression 1", code(t, err))
	require.Contains(t, err.Error(), "`poll.until` can't be evaluated")
}

func TestPollTimesOut(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		ago     time.Duration
		answers []string
		want    string
		message string
	}{
		"before its first call":     {time.Hour, nil, "poll_timeout 1", "no call could be made in time"},
		"not ready at the end":      {time.Hour - 20*time.Second, []string{waiting}, "poll_timeout 1", "`until` was false after 1 calls"},
		"failing at the end":        {time.Hour - 500*time.Millisecond, []string{"!busy"}, "poll_timeout 1", "the last call failed: busy: x"},
		"while a worker is away":    {time.Hour - 20*time.Second, []string{"?", waiting}, "poll_timeout 2", "`until` was false after 2 calls"},
		"its attempts end it first": {time.Hour - 5*time.Second, []string{"!a", "!b", "!c"}, "c 3", "x"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := polling()
			in.Since = time.Now().Add(-test.ago)
			_, _, err := poll(t, in, test.answers...)
			require.Equal(t, test.want, code(t, err))
			require.Contains(t, err.Error(), test.message)
		})
	}
}

func TestCallIsCutAtTheEndOfItsPoll(t *testing.T) {
	t.Parallel()
	tr := setup(t, wait, nil)
	in := polling()
	in.Since = time.Now().Add(-time.Hour + 50*time.Millisecond)
	application, _ := tr.ends(t, in)
	require.Equal(t, "poll_timeout", application.Type())
	require.True(t, application.NonRetryable())
	require.Contains(t, application.Message(), "the last call was not done")
}

func TestCallOfAPollHasTheStepsTimeout(t *testing.T) {
	t.Parallel()
	tr := setup(t, wait, nil)
	in := polling()
	in.Timeout = 20 * time.Millisecond
	application, _ := tr.ends(t, in)
	require.Equal(t, "timeout", application.Type())
	require.False(t, application.NonRetryable())
}
