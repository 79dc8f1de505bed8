// Package onserver_test checks what the activities rely on of real servers.
package onserver_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	tlog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/activities/step"
	"github.com/fairlead/fairlead/e2e/harness"
	"github.com/fairlead/fairlead/internal/devstack"
	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/workers"
)

// world is the stack that every test runs on.
var world *devstack.Stack

func TestMain(m *testing.M) {
	os.Exit(harness.Run(harness.Options{Prepare: func(_ context.Context, stack *devstack.Stack) error {
		world = stack
		return nil
	}}, m.Run))
}

// outlooks keeps what the logs of a step's attempts say of what comes next.
type outlooks struct {
	mu   sync.Mutex
	next []string
}

func (o *outlooks) Log(_ slog.Level, _ string, attrs ...slog.Attr) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, attr := range attrs {
		if attr.Key == "retry" {
			o.next = append(o.next, attr.Value.String())
		}
	}
}

func (*outlooks) Mask(string) {}

func (*outlooks) Close(context.Context) (activities.Log, error) { return activities.Log{}, nil }

// script answers calls one after the other: an output, or the code of a failure behind "!".
type script struct {
	mu      sync.Mutex
	answers []string
}

func (s *script) next() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	answer := s.answers[0]
	s.answers = s.answers[1:]
	return answer
}

func (s *script) Do(ctx context.Context, _ activities.Call) (json.RawMessage, error) {
	answer := s.next()
	if strings.HasSuffix(answer, "~") { // as a call does that takes long: the next heartbeat waits for its turn
		activity.RecordHeartbeat(ctx)
		answer = strings.TrimSuffix(answer, "~")
	}
	if code, failed := strings.CutPrefix(answer, "!"); failed {
		return nil, &activities.Failed{Failure: job.Failure{Code: code, Message: "x", Retryable: true}}
	}
	return json.RawMessage(answer), nil
}

// lost is the answer of a worker that is never heard of again.
const lost = "?"

func dial(t *testing.T) client.Client {
	t.Helper()
	settings := world.Config().Temporal
	connection, err := client.DialContext(t.Context(), client.Options{
		HostPort: settings["TEMPORAL_ADDRESS"], Namespace: settings["TEMPORAL_NAMESPACE"],
		Logger: tlog.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	require.NoError(t, err)
	t.Cleanup(connection.Close)
	return connection
}

// poll has a server execute a polling step until it ends. It returns how many events its run has.
func poll(t *testing.T, answers ...string) (result activities.StepResult, next []string, events int, err error) {
	t.Helper()
	calls, log := &script{answers: answers}, &outlooks{}
	connection, queue := dial(t), t.Name()
	w := worker.New(connection, queue, workers.Tuning(world.Config()))
	execute := step.New(calls, step.Deps{
		Begin:  func(activities.Run, string, string, int) step.Log { return log },
		Logger: slog.New(slog.DiscardHandler),
	})
	w.RegisterActivityWithOptions(func(ctx context.Context, in activities.Step) (activities.StepResult, error) {
		calls.mu.Lock()
		gone := len(calls.answers) > 0 && calls.answers[0] == lost
		calls.mu.Unlock()
		if gone {
			calls.next()
			return activities.StepResult{}, activity.ErrResultPending
		}
		return execute(ctx, in)
	}, activity.RegisterOptions{Name: "http"})
	w.RegisterWorkflowWithOptions(func(ctx workflow.Context, in activities.Step) (result activities.StepResult, err error) {
		in.Since = workflow.Now(ctx)
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
			StartToCloseTimeout: time.Minute, HeartbeatTimeout: time.Second,
			RetryPolicy: &temporal.RetryPolicy{InitialInterval: 40 * time.Millisecond, BackoffCoefficient: 2, MaximumInterval: 60 * time.Millisecond},
		})
		err = workflow.ExecuteActivity(ctx, "http", in).Get(ctx, &result)
		return result, err
	}, workflow.RegisterOptions{Name: "Poll"})
	require.NoError(t, w.Start())
	t.Cleanup(w.Stop)
	run, err := connection.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: queue, TaskQueue: queue}, "Poll", activities.Step{
		Run: activities.Run{ID: "run_1", Team: "default"}, Step: "check", With: json.RawMessage("{}"), Scope: json.RawMessage("{}"),
		Attempts: 4, Timeout: time.Minute,
		Poll: &job.Poll{Every: job.Duration(10 * time.Millisecond), Until: "${output == 'READY'}", Timeout: job.Duration(time.Minute)},
	})
	require.NoError(t, err)
	err = run.Get(t.Context(), &result)
	history := connection.GetWorkflowHistory(t.Context(), queue, run.GetRunID(), false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for history.HasNext() {
		_, failed := history.Next()
		require.NoError(t, failed)
		events++
	}
	require.Empty(t, calls.answers)
	return result, log.next, events, err
}

const (
	waiting = `"WAITING"`
	ready   = `"READY"`
)

// What the calls have come to reaches the next one with the failure that ends
// this one, also when the heartbeat before was sent a moment ago.
func TestAPollsTallyOutlivesItsCalls(t *testing.T) {
	t.Parallel()
	for name, long := range map[string]string{"short calls": "", "long calls": "~"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answers := []string{waiting, "!busy", waiting, waiting, "!busy", waiting, "!busy", waiting, ready}
			for i := range answers {
				answers[i] += long
			}
			result, next, events, err := poll(t, answers...)
			require.NoError(t, err)
			require.Equal(t, ready, string(result.Output))
			require.Equal(t, 4, result.Attempt)
			require.Equal(t, []string{
				"in 10ms: not yet", "in 40ms", "in 10ms: not yet", "in 10ms: not yet", "in 60ms", "in 10ms: not yet", "in 60ms", "in 10ms: not yet",
			}, next)
			require.LessOrEqual(t, events, 11, "calls leave no trace in the history")
		})
	}
}

func TestAPollsLostWorkersSpendAttempts(t *testing.T) {
	t.Parallel()
	result, next, _, err := poll(t, waiting, lost, waiting, "!busy", ready)
	require.NoError(t, err)
	require.Equal(t, 3, result.Attempt)
	require.Equal(t, []string{"in 10ms: not yet", "in 10ms: not yet", "in 60ms"}, next, "the lost one counts for the backoff")
}

func TestAPollsFailuresAreBounded(t *testing.T) {
	t.Parallel()
	_, _, _, err := poll(t, waiting, "!a", waiting, "!b", "!c", waiting, "!d")
	var application *temporal.ApplicationError
	require.ErrorAs(t, err, &application)
	var detail activities.StepFailure
	require.NoError(t, application.Details(&detail))
	require.Equal(t, "d 4", fmt.Sprint(application.Type(), " ", detail.Attempt))
}
