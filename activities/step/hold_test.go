package step_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/activities/step"
)

// answering is a step whose action answers with a text of some length, and waits with it as hold says.
func answering(length int, hold func(context.Context) error) *trial {
	tr := &trial{log: &log{}, operator: &strings.Builder{}}
	tr.fn = step.New(action(func(context.Context, activities.Call) (json.RawMessage, error) {
		return json.RawMessage(`"` + strings.Repeat("x", length) + `"`), nil
	}), step.Deps{
		Begin: func(activities.Run, string, string, int) step.Log { return tr.log }, Hold: hold,
		Logger: slog.New(slog.NewTextHandler(tr.operator, nil)),
	})
	tr.env = new(testsuite.WorkflowTestSuite).NewTestActivityEnvironment()
	tr.env.RegisterActivityWithOptions(tr.fn, activity.RegisterOptions{Name: "http"})
	return tr
}

func TestLargeOutputWaitsForS3(t *testing.T) {
	t.Parallel()
	held := 0
	hold := func(context.Context) error {
		held++
		return nil
	}
	_, err := answering(100, hold).run(input())
	require.NoError(t, err)
	require.Zero(t, held)
	_, err = answering(100_000, hold).run(input())
	require.NoError(t, err)
	require.Equal(t, 1, held)
}

func TestLargeOutputThatCannotBeKeptIsMadeAgain(t *testing.T) {
	t.Parallel()
	tr := answering(100_000, func(ctx context.Context) error { // S3 stays away
		<-ctx.Done()
		return ctx.Err()
	})
	tr.env.RegisterActivityWithOptions(func(outer context.Context, in activities.Step) (activities.StepResult, error) {
		inner, cancel := context.WithTimeout(outer, 3*time.Second) // what is left to say so
		defer cancel()
		return tr.fn(inner, in)
	}, activity.RegisterOptions{Name: "short"})
	_, err := tr.env.ExecuteActivity("short", input())
	var application *temporal.ApplicationError
	require.ErrorAs(t, err, &application)
	require.Equal(t, activities.CodeInterrupted, application.Type(), "it does not count as an attempt")
	require.Equal(t, "S3 is away, and the output is too large to travel without it", application.Message())
	require.True(t, application.NonRetryable(), "the workflow does it again")
}
