package workflows_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/job"
)

const chain = `
apiVersion: fairlead/v1
name: chain
input:
  type: object
  properties: {n: {type: integer}}
steps:
  - {id: first, uses: http, with: {url: "https://a.example/${input.n}"}}
  - {id: second, uses: http, with: {url: "https://b.example", json: {id: "${steps.first.output.body.id}"}}}
output: "${steps.second.output.body}"
notify:
  - {events: [failed], to: ["email:ana@example.com"]}
  - {events: [recovered], to: ["email:ana@example.com"]}
`

func TestRunPassesOnlyWhatIsReferredTo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.http = func(_ context.Context, in activities.Step) (any, error) {
		return map[string]any{"status": 200, "headers": map[string]any{}, "body": map[string]any{"id": 9007199254740993, "of": in.Step, "big": "x"}}, nil
	}
	last := b.run(chain, `{"n": 3}`)
	require.NoError(t, b.GetWorkflowError())
	require.Equal(t, job.StatusSucceeded, last.Status)
	require.JSONEq(t, `{"id": 9007199254740993, "of": "second", "big": "x"}`, string(last.Output))
	require.Equal(t, []string{"first", "second"}, b.order())
	require.JSONEq(t, `{"input": {"n": 3}}`, string(b.calls[0].Scope))
	require.JSONEq(t, `{"steps": {"first": {"output": {"body": {"id": 9007199254740993}}}}}`, string(b.calls[1].Scope))
	require.NotEqual(t, b.calls[0].Token, b.calls[1].Token)
	require.Len(t, b.endings, 1, "a success may be a recovery: Notify finds out")
	for i := 1; i < len(b.records); i++ {
		require.Greater(t, b.records[i].Rev, b.records[i-1].Rev)
	}
	require.Equal(t, job.StatusRunning, b.records[0].Status)
	require.Equal(t, "first", b.steps()["first"].Log.Key)
}

func TestRunEndsFailedAtItsSecondStep(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.http = func(_ context.Context, in activities.Step) (any, error) {
		if in.Step == "second" {
			return nil, refuse(job.Failure{Code: "http_status", Message: "answered 404", Status: 404}, 0)
		}
		return map[string]any{"status": 200, "headers": map[string]any{}, "body": map[string]any{"id": 1}}, nil
	}
	last := b.run(chain, `{"n": 3}`)
	require.Equal(t, job.StatusFailed, last.Status)
	require.Equal(t, &job.Failure{Code: "http_status", Message: "answered 404", Status: 404, Step: "second"}, last.Error)
	require.Equal(t, []string{"first", "second"}, b.order(), "not retryable")
	var application *temporal.ApplicationError
	require.ErrorAs(t, b.GetWorkflowError(), &application)
	require.Equal(t, "http_status", application.Type())
	require.Len(t, b.endings, 1)
	require.Equal(t, last.Error, b.endings[0].Error)
	require.Equal(t, "failed", b.steps()["second"].Log.Key)
}

func TestRunRetriesWithBackoffAndHonoursTheProvidersDelay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var at []time.Time
	b.http = func(context.Context, activities.Step) (any, error) {
		at = append(at, b.Now())
		switch len(at) {
		case 1:
			return nil, refuse(job.Failure{Code: "http_status", Message: "503", Retryable: true}, 0)
		case 2:
			return nil, refuse(job.Failure{Code: "http_status", Message: "429", Retryable: true}, time.Minute)
		}
		return map[string]any{}, nil
	}
	last := b.run(`
apiVersion: fairlead/v1
name: retry
steps:
  - {id: only, uses: http, with: {url: "https://a.example"}, retry: {attempts: 3, initial: 2s, factor: 2, max: 10s}}
`, `{}`)
	require.Equal(t, job.StatusSucceeded, last.Status)
	require.Equal(t, 3, b.steps()["only"].Attempts)
	require.Equal(t, 2*time.Second, at[1].Sub(at[0]).Round(time.Second))
	require.Equal(t, time.Minute, at[2].Sub(at[1]).Round(time.Second))
	require.Empty(t, b.endings, "no rule: nobody is told")
	require.Equal(t, b.calls[0].Token, b.calls[2].Token, "repeats carry the same token")
}

func TestRunSkipsByConditionAndGoesOn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	last := b.run(`
apiVersion: fairlead/v1
name: skip
steps:
  - {id: never, if: "${input == {'a': 1}}", uses: http, with: {url: "https://a.example"}}
  - {id: after, uses: http, with: {url: "https://b.example"}}
`, `{}`)
	require.Equal(t, job.StatusSucceeded, last.Status)
	require.Equal(t, []string{"after"}, b.order())
	require.Equal(t, job.ReasonCondition, b.steps()["never"].Reason)
}

func TestRunGoesOnInIndependentBranches(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.http = func(_ context.Context, in activities.Step) (any, error) {
		if in.Step == "bad" {
			return nil, refuse(job.Failure{Code: "http_status", Message: "no"}, 0)
		}
		return nil, nil
	}
	last := b.run(`
apiVersion: fairlead/v1
name: graph
steps:
  - {id: bad, uses: http, with: {url: "https://a.example"}}
  - {id: below, uses: http, with: {url: "https://a.example"}}
  - {id: other, needs: [], uses: http, with: {url: "https://a.example"}}
  - {id: both, needs: [below, other], uses: http, with: {url: "https://a.example"}}
  - {id: more, needs: [other], uses: http, with: {url: "https://a.example"}}
`, `{}`)
	require.Equal(t, job.StatusFailed, last.Status)
	require.Equal(t, "bad", last.Error.Step)
	steps := b.steps()
	require.Equal(t, job.StatusSucceeded, steps["more"].Status)
	for _, id := range []string{"below", "both"} {
		require.Equal(t, job.StatusSkipped, steps[id].Status)
		require.Equal(t, job.ReasonUpstream, steps[id].Reason)
	}
}

func TestRunTimesOut(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.http = func(ctx context.Context, _ activities.Step) (any, error) {
		return nil, refuse(job.Failure{Code: "http_status", Message: "503", Retryable: true}, 10*time.Minute)
	}
	last := b.run(`
apiVersion: fairlead/v1
name: slow
timeout: 1m
steps:
  - {id: forever, uses: http, with: {url: "https://a.example"}}
  - {id: later, uses: http, with: {url: "https://a.example"}}
notify:
  - {events: [failed], to: ["email:ana@example.com"]}
`, `{}`)
	require.Equal(t, job.StatusTimedOut, last.Status)
	require.Equal(t, "run_timeout", last.Error.Code)
	require.Equal(t, job.StatusCanceled, b.steps()["forever"].Status)
	require.Equal(t, job.StatusCanceled, b.steps()["later"].Status)
	require.Equal(t, time.Minute, last.EndedAt.Sub(last.StartedAt).Round(time.Second))
	require.Len(t, b.endings, 1, "a run that times out has failed for those who wait for it")
}

func TestRunIsCanceledProperly(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.http = func(context.Context, activities.Step) (any, error) {
		return nil, refuse(job.Failure{Code: "http_status", Message: "503", Retryable: true}, time.Hour)
	}
	b.RegisterDelayedCallback(b.CancelWorkflow, 5*time.Second)
	last := b.run(chain, `{"n": 1}`)
	require.Equal(t, job.StatusCanceled, last.Status)
	require.True(t, temporal.IsCanceledError(b.GetWorkflowError()), "%v", b.GetWorkflowError())
	require.Equal(t, job.StatusCanceled, b.steps()["first"].Status)
	require.Equal(t, job.StatusCanceled, b.steps()["second"].Status)
	require.Empty(t, b.endings, "nobody asked to be told of a cancel")
}

func TestRunWaitsForItsRow(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.record = func(try int) error {
		if try <= 5 {
			return errors.New("no Postgres")
		}
		return nil
	}
	last := b.run(`
apiVersion: fairlead/v1
name: recorded
steps:
  - {id: only, uses: http, with: {url: "https://a.example"}}
`, `{}`)
	require.NoError(t, b.GetWorkflowError())
	require.Equal(t, job.StatusSucceeded, last.Status)
	require.Equal(t, job.StatusSucceeded, b.steps()["only"].Status)
}

func TestRunFailsOnAnOutputThatCannotBeEvaluated(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.http = func(context.Context, activities.Step) (any, error) {
		return map[string]any{"status": 200, "headers": map[string]any{}, "body": nil}, nil
	}
	last := b.run(`
apiVersion: fairlead/v1
name: unevaluable
steps:
  - {id: only, uses: http, with: {url: "https://a.example"}}
output: "${steps.only.output.body.id}"
`, `{}`)
	require.Equal(t, job.StatusFailed, last.Status)
	require.Equal(t, "expression", last.Error.Code)
	require.Equal(t, job.StatusSucceeded, b.steps()["only"].Status)
}

func TestRunFailsOnAnOutputThatIsTooLarge(t *testing.T) {
	t.Parallel()
	b := setup(t)
	large := strings.Repeat("x", 6<<20)
	b.http = func(context.Context, activities.Step) (any, error) {
		return map[string]any{"status": 200, "headers": map[string]any{}, "body": large}, nil
	}
	last := b.run(`
apiVersion: fairlead/v1
name: large
steps:
  - {id: only, uses: http, with: {url: "https://a.example"}}
output: {a: "${steps.only.output.body}", b: "${steps.only.output.body}", c: "${steps.only.output.body}"}
`, `{}`)
	require.Equal(t, job.StatusFailed, last.Status)
	require.Equal(t, "too_large", last.Error.Code)
	require.Nil(t, last.Output)
}

// Steps that change soon after one another are one record; the end waits for nothing.
func TestRunGathersItsRecords(t *testing.T) {
	t.Parallel()
	const two = `
apiVersion: fairlead/v1
name: two
steps:
  - {id: first, uses: http, with: {url: "https://a.example"}}
  - {id: second, uses: http, with: {url: "https://b.example"}, retry: {attempts: 2, initial: 1m}}
`
	quick := setup(t)
	quick.pause = time.Hour
	last := quick.run(two, `{}`)
	require.Len(t, quick.records, 1, "its end")
	require.Equal(t, job.StatusSucceeded, last.Status)
	require.Equal(t, job.StatusSucceeded, quick.steps()["second"].Status)

	slow := setup(t)
	slow.pause = time.Second
	slow.http = func(_ context.Context, in activities.Step) (any, error) {
		if in.Step == "second" {
			return nil, refuse(job.Failure{Code: "connection", Retryable: true}, 0)
		}
		return map[string]any{}, nil
	}
	slow.run(two, `{}`)
	require.Len(t, slow.records, 2, "a step that goes on is recorded when the pause is over")
	require.Equal(t, job.StatusRunning, slow.records[0].Status)
	require.Equal(t, job.StatusSucceeded, slow.records[0].Steps[0].Status)
	require.Equal(t, job.StatusRunning, slow.records[0].Steps[1].Status)
}

func TestRunAdoptsTheEndThatItsRowHas(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.row = &activities.Recorded{Status: job.StatusFailed, Error: &job.Failure{Code: "http_status", Message: "as it was first seen", Step: "second"}}
	b.http = func(context.Context, activities.Step) (any, error) {
		return map[string]any{"status": 200, "headers": map[string]any{}, "body": map[string]any{"id": 1}}, nil
	}
	b.run(chain, `{"n": 1}`)
	var application *temporal.ApplicationError
	require.ErrorAs(t, b.GetWorkflowError(), &application)
	require.Equal(t, "http_status", application.Type())
	require.Len(t, b.endings, 1)
	require.Equal(t, job.StatusFailed, b.endings[0].Status, "row, workflow and notification agree")
}

func TestRunBoundsWhatItKeeps(t *testing.T) {
	t.Parallel()
	b := setup(t)
	large := strings.Repeat("x", 4<<20)
	b.http = func(context.Context, activities.Step) (any, error) {
		return map[string]any{"status": 200, "headers": map[string]any{}, "body": large}, nil
	}
	var file strings.Builder
	file.WriteString("apiVersion: fairlead/v1\nname: large\nsteps:\n")
	for i := range 17 {
		fmt.Fprintf(&file, "  - {id: kept%d, needs: [], uses: http, with: {url: \"https://a.example\"}}\n", i)
		fmt.Fprintf(&file, "  - {id: unused%d, needs: [], uses: http, with: {url: \"https://a.example\"}}\n", i)
		fmt.Fprintf(&file, "  - {id: sink%d, uses: http, needs: [kept%d], with: {url: \"https://a.example/${steps.kept%d.output.status}\"}}\n", i, i, i)
	}
	last := b.run(file.String(), `{}`)
	require.Equal(t, job.StatusFailed, last.Status)
	require.Equal(t, string(job.CodeTooLarge), last.Error.Code)
	require.Regexp(t, "^kept", last.Error.Step, "an output that nobody refers to isn't kept")
	for _, call := range b.calls {
		require.Less(t, len(call.Scope), 1024, "only what is referred to travels")
	}
}

// What there is no room for takes none from what comes after it.
func TestRunGoesOnWithoutWhatIsTooMuch(t *testing.T) {
	t.Parallel()
	for _, more := range []string{"", `, compensate: {uses: http, with: {url: "https://a.example", json: "${output.body}"}}`} {
		b := setup(t)
		b.http = func(_ context.Context, in activities.Step) (any, error) {
			size := map[string]int{"kept": 6 << 20, "more": 5 << 20}[in.Step[:4]]
			return map[string]any{"status": 200, "headers": map[string]any{}, "body": strings.Repeat("x", size)}, nil
		}
		var file strings.Builder
		file.WriteString("apiVersion: fairlead/v1\nname: large\nsteps:\n")
		for i := range 10 {
			fmt.Fprintf(&file, "  - {id: kept%d, uses: http, with: {url: \"https://a.example\"}}\n", i)
		}
		fmt.Fprintf(&file, "  - {id: more, uses: http, with: {url: \"https://a.example\"}, continueOnError: \"${error.code == 'too_large'}\"%s}\n", more)
		file.WriteString("  - {id: small, uses: http, with: {url: \"https://a.example\"}}\noutput: [\"${steps.small.output.status}\", \"${steps.more.status}\"")
		for i := range 10 {
			fmt.Fprintf(&file, ", \"${steps.kept%d.status}\"", i)
		}
		last := b.run(file.String()+"]\n", `{}`)
		require.Equal(t, job.StatusSucceeded, last.Status, "%+v", last.Error)
		require.Equal(t, "too_large", b.steps()["more"].Error.Code)
		require.Equal(t, job.ReasonTolerated, b.steps()["more"].Reason)
	}
}

func TestRunDoesAnInterruptedAttemptAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.http = func(_ context.Context, in activities.Step) (any, error) {
		if len(b.calls) <= 2 {
			failure := job.Failure{Code: activities.CodeInterrupted, Message: "the worker stopped", Retryable: true}
			return nil, temporal.NewApplicationErrorWithOptions(failure.Message, failure.Code, temporal.ApplicationErrorOptions{
				NonRetryable: true, Details: []any{activities.StepFailure{Failure: failure, Attempt: in.Before + 1}},
			})
		}
		return map[string]any{}, nil
	}
	last := b.run(`
apiVersion: fairlead/v1
name: once
steps:
  - {id: only, uses: http, with: {url: "https://a.example"}, retry: {attempts: 1}}
`, `{}`)
	require.Equal(t, job.StatusSucceeded, last.Status)
	require.Len(t, b.calls, 3, "a worker that stops uses up no attempt")
	require.Equal(t, b.calls[0].Token, b.calls[2].Token)
}
