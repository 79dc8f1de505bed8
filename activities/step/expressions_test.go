package step_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	tlog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/activities/step"
	"github.com/fairlead/fairlead/internal/job"
)

// served is the activity of an action that gives its `with`, in an environment of its own.
func served(expressions *job.Late) func(activities.Step) (json.RawMessage, error) {
	fn := step.New(action(func(_ context.Context, call activities.Call) (json.RawMessage, error) { return call.With, nil }), step.Deps{
		Begin:       func(activities.Run, string, string, int) step.Log { return &log{} },
		Expressions: expressions, Logger: slog.New(slog.DiscardHandler),
	})
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(tlog.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivityWithOptions(fn, activity.RegisterOptions{Name: "http"})
	return func(in activities.Step) (json.RawMessage, error) {
		value, err := env.ExecuteActivity("http", in)
		if err != nil {
			return nil, err
		}
		var result activities.StepResult
		err = value.Get(&result)
		return result.Output, err
	}
}

// full is a call of a poll with every kind of expression.
func full(id int) activities.Step {
	in := input()
	in.Scope = json.RawMessage(fmt.Sprintf(`{"input": {"id": %d}, "run": {"id": "run_1"}}`, id))
	in.With = json.RawMessage(`{"state": "READY", "url": "https://x.example/orders/${input.id}", "rows": "${[input.id, input.id + 1]}"}`)
	in.Output = json.RawMessage(`{"of": "${input.id}", "rows": "${output.rows.filter(r, r > input.id).size()}"}`)
	in.TokenOf = "${run.id}-${input.id}"
	in.Since, in.Attempts, in.RetryIf = time.Now(), 3, "${error.code == 'http_503'}"
	in.Poll = &job.Poll{
		Every: job.Duration(time.Second), Until: "${output.state == 'READY'}", FailIf: "${output.state == 'BROKEN'}",
		Timeout: job.Duration(time.Hour),
	}
	return in
}

// Attempts at once share what is compiled, not the values.
func TestConcurrentAttemptsShareExpressions(t *testing.T) {
	t.Parallel()
	expressions := job.NewLate()
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			run := served(expressions)
			for round := range 4 {
				id := worker*10 + round
				output, err := run(full(id))
				if want := fmt.Sprintf(`{"of":%d,"rows":1}`, id); err != nil || string(output) != want {
					t.Error(want, string(output), err)
				}
				broken := full(id)
				broken.Output = json.RawMessage(`"${1 +}"`)
				if _, err := run(broken); err == nil {
					t.Error("an expression that doesn't compile has a value")
				}
			}
		})
	}
	all.Wait()
}

// BenchmarkAttempt is a whole attempt of a step with every kind of expression, in the test's environment.
func BenchmarkAttempt(b *testing.B) {
	run, in := served(nil), full(1)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := run(in); err != nil {
			b.Fatal(err)
		}
	}
	output, err := run(in)
	require.NoError(b, err)
	require.JSONEq(b, `{"of": 1, "rows": 1}`, string(output))
}
