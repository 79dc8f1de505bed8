package step_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/job"
)

// answers is an action that always gives the same.
func answers(output string) action {
	return func(context.Context, activities.Call) (json.RawMessage, error) { return json.RawMessage(output), nil }
}

// fails is an action that always ends so.
func fails(failure job.Failure) action {
	return func(context.Context, activities.Call) (json.RawMessage, error) {
		return nil, &activities.Failed{Failure: failure}
	}
}

// ends runs a step that has to fail, and returns how.
func (tr *trial) ends(t *testing.T, in activities.Step) (*temporal.ApplicationError, activities.StepFailure) {
	t.Helper()
	_, err := tr.run(in)
	var application *temporal.ApplicationError
	require.ErrorAs(t, err, &application)
	var detail activities.StepFailure
	require.NoError(t, application.Details(&detail))
	return application, detail
}

func TestStepOfAnItem(t *testing.T) {
	t.Parallel()
	var got activities.Call
	tr := setup(t, func(_ context.Context, call activities.Call) (json.RawMessage, error) {
		got = call
		return nil, errors.New("a defect")
	}, nil)
	in := input()
	in.Step, in.Item = "load.compensate", "eu/ü"
	application, detail := tr.ends(t, in)
	require.Equal(t, "internal", application.Type())
	require.Equal(t, "load.compensate", detail.Failure.Step)
	require.Equal(t, "eu/ü", detail.Failure.Item)
	require.Equal(t, "eu/ü", got.Item)
	require.Equal(t, []string{"run_1 load.compensate eu/ü 1"}, tr.begun)
	require.Contains(t, tr.log.lines[0], "attempt 1 of step load.compensate, item eu/ü")
	require.Contains(t, tr.operator.String(), "item=eu/ü")
}

func TestStepOutputIsRendered(t *testing.T) {
	t.Parallel()
	tr := setup(t, answers(`{"rows": [1, 2, 9007199254740993]}`), nil)
	in := input()
	in.Output = json.RawMessage(`{"last": "${output.rows[2]}", "of": "${input.id}"}`)
	result, err := tr.run(in)
	require.NoError(t, err)
	require.Equal(t, `{"last":9007199254740993,"of":9007199254740993}`, string(result.Output))

	tr = setup(t, answers(`{}`), nil)
	in.Output = json.RawMessage(`"${output.rows}"`)
	application, _ := tr.ends(t, in)
	require.Equal(t, "expression", application.Type())
	require.Contains(t, application.Message(), "`output` can't be evaluated")
	require.True(t, application.NonRetryable())
}

func TestOnlyTheRenderedOutputHasToTravel(t *testing.T) {
	t.Parallel()
	held := 0
	tr := answering(100_000, func(context.Context) error {
		held++
		return nil
	})
	in := input()
	in.Output = json.RawMessage(`"${size(output)}"`)
	result, err := tr.run(in)
	require.NoError(t, err)
	require.Equal(t, "100000", string(result.Output))
	require.Zero(t, held)
}

func TestTokenOfTheJobsOwn(t *testing.T) {
	t.Parallel()
	hashed := func(text string) string {
		sum := sha256.Sum256([]byte(text))
		return hex.EncodeToString(sum[:])
	}
	long := strings.Repeat("x", 129)
	for template, want := range map[string]string{
		"inv-${input.id}": "inv-9007199254740993",
		"${input.id}":     "9007199254740993",
		long[1:]:          long[1:],
		long:              hashed(long),
		"a b":             hashed("a b"), // a header ends at its spaces
		"ü":               hashed("ü"),
	} {
		var got string
		tr := setup(t, func(_ context.Context, call activities.Call) (json.RawMessage, error) {
			got = call.Token
			return json.RawMessage("null"), nil
		}, nil)
		in := input()
		in.TokenOf = template
		_, err := tr.run(in)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, template := range []string{"${input.none}", "${null}", "${''}", "${[1]}"} {
		tr := setup(t, answers("1"), nil)
		in := input()
		in.TokenOf = template
		application, _ := tr.ends(t, in)
		require.Equal(t, "expression", application.Type())
		require.Contains(t, application.Message(), "`token`")
	}
}

func TestCallbacksAreSecret(t *testing.T) {
	t.Parallel()
	const url = "https://jobs.example/v1/callbacks/run_1-paid-eu"
	var got activities.Call
	tr := setup(t, func(_ context.Context, call activities.Call) (json.RawMessage, error) {
		got = call
		return nil, &activities.Failed{Failure: job.Failure{Code: "http_status", Message: "POST x?then=" + url + " answered 400"}}
	}, nil)
	in := input()
	in.Item, in.Callbacks = "eu", []string{"paid"}
	in.With = json.RawMessage(`{"then": "${callbacks.paid}"}`)
	in.Output = json.RawMessage(`"${callbacks.paid}"`)
	application, detail := tr.ends(t, in)
	require.JSONEq(t, `{"then": "`+url+`"}`, string(got.With))
	require.Equal(t, []string{"run_1-paid-eu"}, tr.log.masked)
	require.NotContains(t, application.Message()+detail.Failure.Message+tr.log.text(), "run_1-paid")

	tr = setup(t, answers("1"), nil)
	application, _ = tr.ends(t, in)
	require.Equal(t, "expression", application.Type(), "an output never has one")
}

func TestRetryIfDecides(t *testing.T) {
	t.Parallel()
	busy := job.Failure{Code: "http_status", Message: "409", Status: 409}
	away := job.Failure{Code: "connection", Message: "refused", Retryable: true}
	for name, test := range map[string]struct {
		failure job.Failure
		retryIf string
		again   bool
		log     string
	}{
		"the failure says no":    {busy, "", false, "no: another attempt would not help"},
		"the failure says yes":   {away, "", true, "in 1s"},
		"the job says yes":       {busy, "${error.status == 409}", true, "in 1s"},
		"the job says no":        {away, "${error.retryable && error.code != 'connection'}", false, "no: `retry.if` says no"},
		"it sees the step":       {busy, "${error.step == 'load' && error.item == 'eu' && input.id > 0}", true, "in 1s"},
		"it can't be evaluated":  {away, "${error.nothing}", false, "no: `retry.if` can't be evaluated: "},
		"it is no yes or no":     {away, "${error.status}", false, "no: `retry.if` can't be evaluated: "},
		"an expression's retry":  {job.Failure{Code: "expression", Message: "x"}, "${true}", true, "in 1s"},
		"not for a worker's end": {job.Failure{Code: activities.CodeInterrupted, Message: "x"}, "${true}", false, "at once, on the next worker"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tr := setup(t, fails(test.failure), nil)
			in := input()
			in.Item, in.RetryIf = "eu", test.retryIf
			application, detail := tr.ends(t, in)
			require.Equal(t, test.failure.Code, application.Type(), "what happened stays what is told")
			require.Equal(t, test.failure.Retryable, detail.Failure.Retryable)
			require.Equal(t, !test.again, application.NonRetryable())
			require.Contains(t, tr.log.text(), "retry="+test.log)
		})
	}
}

// A step whose values can't be read has none to decide over.
func TestRetryIfWithoutValues(t *testing.T) {
	t.Parallel()
	tr := setup(t, answers("1"), nil)
	in := input()
	in.Scope, in.RetryIf = json.RawMessage(`[]`), "${error.code == 'expression'}"
	application, _ := tr.ends(t, in)
	require.Equal(t, "expression", application.Type())
	require.False(t, application.NonRetryable())
}

func TestMaxElapsed(t *testing.T) {
	t.Parallel()
	later := func(context.Context, activities.Call) (json.RawMessage, error) {
		return nil, &activities.Failed{Failure: job.Failure{Code: "http_status", Message: "503", Retryable: true}, RetryAfter: time.Minute}
	}
	in := input()
	in.Since, in.MaxElapsed = time.Now().Add(-time.Hour), time.Hour+30*time.Second
	tr := setup(t, later, nil)
	application, detail := tr.ends(t, in)
	require.True(t, application.NonRetryable())
	require.True(t, detail.Failure.Retryable)
	require.Contains(t, tr.log.text(), "retry=no: the next attempt would begin more than 1h0m30s (`retry.maxElapsed`) after the first")

	in.MaxElapsed = time.Hour + 2*time.Minute
	tr = setup(t, later, nil)
	application, _ = tr.ends(t, in)
	require.False(t, application.NonRetryable())
	require.Contains(t, tr.log.text(), "retry=in 1m0s, as the server asks")
}
