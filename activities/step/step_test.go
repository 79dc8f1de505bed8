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
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.uber.org/goleak"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/activities/step"
	"github.com/fairlead/fairlead/internal/job"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// action is a test's own code for one call.
type action func(ctx context.Context, call activities.Call) (json.RawMessage, error)

func (a action) Do(ctx context.Context, call activities.Call) (json.RawMessage, error) {
	return a(ctx, call)
}

// log keeps its records, each a line.
type log struct {
	lines  []string
	masked []string
	closed int
	err    error
}

func (l *log) Log(level slog.Level, message string, attrs ...slog.Attr) {
	l.lines = append(l.lines, fmt.Sprint(level, " ", message, " ", attrs))
}

func (l *log) Mask(secret string) { l.masked = append(l.masked, secret) }

func (l *log) Close(ctx context.Context) (activities.Log, error) {
	l.closed++
	if ctx.Err() != nil {
		return activities.Log{}, ctx.Err()
	}
	return activities.Log{Key: "logs/x", Records: len(l.lines), SHA256: "abc"}, l.err
}

func (l *log) text() string { return strings.Join(l.lines, "\n") }

// trial is one run of a step's activity.
type trial struct {
	log      *log
	begun    []string
	operator *strings.Builder
	env      *testsuite.TestActivityEnvironment
	fn       func(context.Context, activities.Step) (activities.StepResult, error)
}

func setup(t *testing.T, do action, check func([]byte) (json.RawMessage, error)) *trial {
	t.Helper()
	tr := &trial{log: &log{}, operator: &strings.Builder{}}
	tr.fn = step.New(do, step.Deps{
		Check: check,
		Begin: func(run activities.Run, step, item string, attempt int) step.Log {
			tr.begun = append(tr.begun, fmt.Sprint(run.ID, " ", step, " ", item, " ", attempt))
			return tr.log
		},
		Callback: func(run activities.Run, step, item string) string {
			return "https://jobs.example/v1/callbacks/" + run.ID + "-" + step + "-" + item
		},
		Logger: slog.New(slog.NewTextHandler(tr.operator, nil)),
	})
	tr.env = new(testsuite.WorkflowTestSuite).NewTestActivityEnvironment()
	tr.env.RegisterActivityWithOptions(tr.fn, activity.RegisterOptions{Name: "http"})
	return tr
}

func input() activities.Step {
	return activities.Step{
		Run: activities.Run{ID: "run_1", Team: "default", Job: "j", Version: 1}, Step: "load", Token: "tok",
		With:  json.RawMessage(`{"url": "https://x/${input.id}", "json": "${input.id}", "html": "<&>"}`),
		Scope: json.RawMessage(`{"input": {"id": 9007199254740993}}`), Timeout: time.Minute,
	}
}

func (tr *trial) run(in activities.Step) (activities.StepResult, error) {
	value, err := tr.env.ExecuteActivity("http", in)
	var result activities.StepResult
	if err == nil {
		err = value.Get(&result)
	}
	return result, err
}

// failure runs a step that has to fail.
func (tr *trial) failure(t *testing.T, in activities.Step) (*temporal.ApplicationError, activities.StepFailure) {
	t.Helper()
	_, err := tr.run(in)
	var application *temporal.ApplicationError
	require.ErrorAs(t, err, &application)
	var detail activities.StepFailure
	require.NoError(t, application.Details(&detail))
	require.Equal(t, application.Type(), detail.Failure.Code)
	require.Equal(t, application.NonRetryable(), !detail.Failure.Retryable)
	require.Equal(t, "load", detail.Failure.Step)
	require.Equal(t, 1, detail.Attempt)
	require.Equal(t, 1, tr.log.closed)
	return application, detail
}

func TestStepSucceeds(t *testing.T) {
	t.Parallel()
	var got activities.Call
	tr := setup(t, func(_ context.Context, call activities.Call) (json.RawMessage, error) {
		got = call
		call.Log.Log(slog.LevelInfo, "request")
		return json.RawMessage(`{"id":9007199254740993}`), nil
	}, func(with []byte) (json.RawMessage, error) { return append(with, '\n'), nil })
	result, err := tr.run(input())
	require.NoError(t, err)
	require.JSONEq(t, `{"html": "<&>", "json": 9007199254740993, "url": "https://x/9007199254740993"}`, string(got.With))
	require.Contains(t, string(got.With), `"json":9007199254740993`, "exact")
	require.True(t, strings.HasSuffix(string(got.With), "\n"), "the checked form is what the action gets")
	require.JSONEq(t, string(input().With), string(got.Template))
	require.Equal(t, "tok", got.Token)
	require.Equal(t, 1, got.Attempt)
	require.Equal(t, "run_1", got.Run.ID)
	require.Equal(t, `{"id":9007199254740993}`, string(result.Output))
	require.Equal(t, activities.Log{Key: "logs/x", Records: 3, SHA256: "abc"}, result.Log)
	require.Equal(t, 1, result.Attempt)
	require.Equal(t, 1, tr.log.closed)
	require.Contains(t, tr.log.lines[0], "attempt 1 of step load [action=http]")
	require.Contains(t, tr.log.lines[2], "succeeded in ")
}

func TestStepFailsInTheActionsWords(t *testing.T) {
	t.Parallel()
	tr := setup(t, func(context.Context, activities.Call) (json.RawMessage, error) {
		return nil, fmt.Errorf("wrapped: %w", &activities.Failed{
			Failure:    job.Failure{Code: "http_status", Message: "GET x answered 503\n" + strings.Repeat("y", 5000), Status: 503, Retryable: true},
			RetryAfter: 7 * time.Second,
		})
	}, nil)
	application, detail := tr.failure(t, input())
	require.Equal(t, "http_status", application.Type())
	require.Equal(t, 7*time.Second, application.NextRetryDelay())
	require.Equal(t, "GET x answered 503", application.Message())
	require.Equal(t, 503, detail.Failure.Status)
	require.Equal(t, "logs/x", detail.Log.Key)
	require.Contains(t, tr.log.text(), "ERROR failed: http_status: GET x answered 503 [retry=in 7s, as the server asks]")
	require.Empty(t, tr.operator.String())
}

func TestStepThatCannotBegin(t *testing.T) {
	t.Parallel()
	never := func(context.Context, activities.Call) (json.RawMessage, error) {
		return nil, errors.New("the action was called")
	}
	tr := setup(t, never, nil)
	in := input()
	in.Scope = json.RawMessage(`{"input": {}}`)
	application, _ := tr.failure(t, in)
	require.Equal(t, "expression", application.Type())
	require.True(t, application.NonRetryable())
	require.Contains(t, tr.log.text(), "retry=no: another attempt would not help")

	tr = setup(t, never, func([]byte) (json.RawMessage, error) {
		return nil, &job.Error{Code: job.CodeInvalidInput, Message: "wrong", Fields: []job.Field{{Pointer: "/url", Message: "missing"}, {Pointer: "/x", Message: "unknown"}}}
	})
	application, _ = tr.failure(t, input())
	require.Equal(t, "invalid_with", application.Type())
	require.Equal(t, "`with` is not what the action takes: /url: missing; /x: unknown", application.Message())
}

func TestStepDefectsStayWithTheOperator(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]action{
		"panic":       func(context.Context, activities.Call) (json.RawMessage, error) { panic("hunter2") },
		"other error": func(context.Context, activities.Call) (json.RawMessage, error) { return nil, errors.New("hunter2") },
		"not JSON": func(context.Context, activities.Call) (json.RawMessage, error) {
			return json.RawMessage("hunter2"), nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tr := setup(t, do, nil)
			application, _ := tr.failure(t, input())
			require.Equal(t, "internal", application.Type())
			require.NotContains(t, application.Message()+tr.log.text(), "hunter2")
			require.Contains(t, tr.operator.String(), "step=load")
		})
	}
}

// wait is an action that does nothing until it is told to stop.
func wait(ctx context.Context, _ activities.Call) (json.RawMessage, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestStepOutputIsBounded(t *testing.T) {
	t.Parallel()
	large := json.RawMessage(`"` + strings.Repeat("<", job.MaxOutput/6+1) + `"`) // kept as \u003c each
	tr := setup(t, func(context.Context, activities.Call) (json.RawMessage, error) { return large, nil }, nil)
	application, _ := tr.failure(t, input())
	require.Equal(t, "too_large", application.Type())
	require.Contains(t, application.Message(), "over 16 MiB")
	require.Contains(t, tr.log.text(), "too_large")
}

func TestStepTimeout(t *testing.T) {
	t.Parallel()
	tr := setup(t, wait, nil)
	in := input()
	in.Timeout = 20 * time.Millisecond
	application, _ := tr.failure(t, in)
	require.Equal(t, "timeout", application.Type())
	require.False(t, application.NonRetryable())
	require.Contains(t, application.Message(), "20ms")
}

func TestStepCanceled(t *testing.T) {
	t.Parallel()
	tr := setup(t, wait, nil)
	ctx, cancel := context.WithCancel(t.Context())
	tr.env.RegisterActivityWithOptions(func(outer context.Context, in activities.Step) (activities.StepResult, error) {
		inner, stop := context.WithCancel(outer)
		defer stop()
		defer context.AfterFunc(ctx, stop)()
		cancel()
		return tr.fn(inner, in)
	}, activity.RegisterOptions{Name: "canceled"})
	_, err := tr.env.ExecuteActivity("canceled", input())
	require.True(t, temporal.IsCanceledError(err), err)
	require.Equal(t, 1, tr.log.closed)
	require.Contains(t, tr.log.text(), "WARN canceled")
}

func TestStepInterruptedByItsWorker(t *testing.T) {
	t.Parallel()
	tr := setup(t, wait, nil)
	tr.env.RegisterActivityWithOptions(func(outer context.Context, in activities.Step) (activities.StepResult, error) {
		inner, stop := context.WithCancelCause(outer)
		stop(errors.New("worker is now shutdown"))
		return tr.fn(inner, in)
	}, activity.RegisterOptions{Name: "interrupted"})
	_, err := tr.env.ExecuteActivity("interrupted", input())
	var application *temporal.ApplicationError
	require.ErrorAs(t, err, &application)
	require.Equal(t, activities.CodeInterrupted, application.Type())
	require.True(t, application.NonRetryable(), "the workflow does it again: it doesn't count")
	require.NotContains(t, tr.log.text(), "backoff")
}

func TestStepEndsBeforeItsWorkerDoes(t *testing.T) {
	t.Parallel()
	tr := setup(t, wait, nil)
	stopped := make(chan struct{})
	tr.env.SetWorkerStopChannel(stopped)
	close(stopped)
	in := input()
	in.Before = 2
	_, err := tr.run(in)
	var application *temporal.ApplicationError
	require.ErrorAs(t, err, &application)
	require.Equal(t, activities.CodeInterrupted, application.Type())
	var detail activities.StepFailure
	require.NoError(t, application.Details(&detail))
	require.Equal(t, 3, detail.Attempt, "attempts count on")
	require.Equal(t, 1, tr.log.closed)
}

func TestLostLogCostsNothing(t *testing.T) {
	t.Parallel()
	tr := setup(t, func(context.Context, activities.Call) (json.RawMessage, error) { return json.RawMessage("1"), nil }, nil)
	tr.log.err = errors.New("S3 and the spool are away")
	result, err := tr.run(input())
	require.NoError(t, err)
	require.Equal(t, "1", string(result.Output))
	require.Contains(t, tr.operator.String(), "a step's log was lost")
}
