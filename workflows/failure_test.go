package workflows_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/workflows"
)

// goesOn is a job that may go on when its first step fails.
func goesOn(continueOnError string) string {
	return `
apiVersion: fairlead/v1
name: goes_on
steps:
  - {id: work, uses: http, with: {url: "https://a.example"}, continueOnError: ` + continueOnError + `}
  - {id: after, uses: http, with: {url: "https://a.example", json: ["${steps.work.status}", "${steps.work.?error.?code.orValue('')}", "${steps.work.?output.?body.orValue('none')}"]}}
`
}

func TestContinueOnErrorCoversAFailure(t *testing.T) {
	t.Parallel()
	for _, covers := range []string{"true", `"${error.status == 404}"`, `"${error.code == 'http_status' && error.step == 'work'}"`} {
		t.Run(covers, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.http = script{"work": func() (any, error) {
				return nil, refuse(job.Failure{Code: "http_status", Message: "answered 404", Status: 404}, 0)
			}}.answer
			last := b.run(goesOn(covers), `{}`)
			require.Equal(t, job.StatusSucceeded, last.Status)
			require.Equal(t, job.StatusFailed, b.steps()["work"].Status)
			require.Equal(t, job.ReasonTolerated, b.steps()["work"].Reason)
			require.Equal(t, "http_status", b.steps()["work"].Error.Code)
			require.JSONEq(t, `{"steps": {"work": {"status": "failed", "error": {"code": "http_status"}, "output": null}}}`, b.scoped("after"))
		})
	}
}

func TestContinueOnErrorDoesNotCoverAnother(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.http = script{"work": no}.answer
	last := b.run(goesOn(`"${error.status == 404}"`), `{}`)
	require.Equal(t, job.StatusFailed, last.Status)
	require.Equal(t, "no", last.Error.Message)
	require.Empty(t, b.steps()["work"].Reason)
}

func TestContinueOnErrorThatCannotBeEvaluated(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.http = script{"work": no}.answer
	last := b.run(goesOn(`"${[true][error.status + 7]}"`), `{}`)
	require.Equal(t, job.StatusFailed, last.Status)
	require.Equal(t, "http_status", last.Error.Code, "the step's own failure stands")
	require.Contains(t, last.Error.Message, "no; and the `continueOnError` of step work")
}

func TestContinueOnErrorCoversAnExpression(t *testing.T) {
	t.Parallel()
	b := setup(t)
	last := b.run(`
apiVersion: fairlead/v1
name: unevaluable
input: {type: object, properties: {a: {type: object}}}
steps:
  - {id: work, if: "${input.a.b == 1}", uses: http, with: {url: "https://a.example"}, continueOnError: true}
`, `{}`)
	require.Equal(t, job.StatusSucceeded, last.Status)
	require.Equal(t, "expression", b.steps()["work"].Error.Code)
}

func TestCallCarriesWhatItsActivityDecides(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.vars = json.RawMessage(`{"region": "eu"}`)
	start := b.Now().UTC()
	b.run(`
apiVersion: fairlead/v1
name: polls
steps:
  - id: check
    uses: http
    with: {url: "https://a.example/${vars.region}", json: "${callbacks.hook}"}
    token: "t-${run.id}"
    timeout: 1m
    retry: {attempts: 7, maxElapsed: 3h, if: "${error.status == 409}"}
    poll: {every: 30s, until: "${output.body == vars.region}", failIf: "${output.body == 'x'}", timeout: 2h}
    output: "${output.body + run.job}"
  - {id: hook, wait: {callback: {timeout: 1m}}}
`, `{}`)
	call := b.calls[0]
	require.JSONEq(t, `{"run": {"id": "run_1", "job": "polls"}, "vars": {"region": "eu"}}`, string(call.Scope))
	require.Equal(t, "t-${run.id}", call.TokenOf)
	require.Equal(t, job.Token("run_1", "check", "", ""), call.Token)
	require.Equal(t, "${error.status == 409}", call.RetryIf)
	require.Equal(t, 3*time.Hour, call.MaxElapsed)
	require.Equal(t, 7, call.Attempts)
	require.Equal(t, start, call.Since)
	require.Equal(t, job.Duration(30*time.Second), call.Poll.Every)
	require.JSONEq(t, `"${output.body + run.job}"`, string(call.Output))
	require.Equal(t, []string{"hook"}, call.Callbacks)
}

// A poll's activity counts what failed itself: the workflow bounds neither its calls nor its attempts.
func TestPollTimesOutAsItsActivitySays(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.http = func(context.Context, activities.Step) (any, error) {
		if len(b.calls) <= 7 {
			return nil, refuse(job.Failure{Code: "not_yet", Retryable: true}, 30*time.Second)
		}
		return nil, refuse(job.Failure{Code: "poll_timeout", Message: "not within 5m"}, 0)
	}
	last := b.run(`
apiVersion: fairlead/v1
name: polls
steps:
  - {id: check, uses: http, with: {url: "https://a.example"}, retry: {attempts: 2}, poll: {every: 30s, until: "${output.body == 1}"}}
`, `{}`)
	require.Equal(t, job.StatusFailed, last.Status)
	require.Equal(t, "poll_timeout", last.Error.Code)
	require.Equal(t, job.StatusTimedOut, b.steps()["check"].Status)
	require.Len(t, b.calls, 8)
}

func TestRunStopsWhenItsHistoryIsFull(t *testing.T) {
	t.Parallel()
	for name, fill := range map[string]func(*bench){
		"events": func(b *bench) { b.SetCurrentHistoryLength(40_001) },
		"bytes":  func(b *bench) { b.SetCurrentHistorySize(40<<20 + 1) },
		// One pass may have to be undone, and a timer is open: neither alone is too much.
		"to come": func(b *bench) { b.SetCurrentHistoryLength(39_996) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.http = script{"each/1": func() (any, error) {
				fill(b)
				return nil, nil
			}}.answer
			last := b.run(`
apiVersion: fairlead/v1
name: full
steps:
  - {id: first, uses: http, with: {url: "https://a.example"}, compensate: {uses: http, with: {url: "https://a.example"}}}
  - {id: each, foreach: {in: [1, 2, 3, 4], as: n, parallel: 1}, uses: http, with: {url: "https://a.example"}}
  - {id: pause, needs: [], wait: {for: 1h}}
finally: [{id: tell, uses: http, with: {url: "https://a.example"}}]
`, `{}`)
			require.Equal(t, job.StatusFailed, last.Status)
			require.Equal(t, "history_limit", last.Error.Code)
			require.Contains(t, last.Error.Message, "split the work")
			require.Equal(t, []string{"first", "each/0", "each/1", "first.compensate", "tell"}, b.order(), "it still cleans up")
			require.Equal(t, job.StatusSucceeded, last.Cleanup)
		})
	}
}

func TestCleanupStopsWhenTheHistoryIsFull(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.http = script{"last": no, "side.compensate": func() (any, error) {
		b.SetCurrentHistoryLength(50_001)
		return nil, nil
	}, "each.compensate": func() (any, error) {
		b.SetCurrentHistoryLength(50_001)
		return nil, nil
	}}.answer
	last := b.run(undoable, `{"list": [1, 2, 3]}`)
	require.Equal(t, job.StatusFailed, last.Cleanup)
	require.Equal(t, []string{"each/2"}, b.undone())
}

// What is ready beyond the bound gets its slot in the order in which it became ready.
func TestRunBoundsItsCalls(t *testing.T) {
	t.Parallel()
	b := setup(t)
	begun, ended, most := 0, 0, 0
	tried := map[string]bool{}
	b.http = func(_ context.Context, in activities.Step) (any, error) {
		if tried[in.Step] {
			ended++
			return nil, nil
		}
		tried[in.Step] = true
		begun++
		most = max(most, begun-ended)
		return nil, refuse(job.Failure{Code: "http_status", Message: "503", Retryable: true}, time.Minute)
	}
	var file strings.Builder
	file.WriteString("apiVersion: fairlead/v1\nname: wide\nsteps:\n")
	for i := range 250 {
		fmt.Fprintf(&file, "  - {id: s%03d, needs: [], uses: http, with: {url: \"https://a.example\"}}\n", i)
	}
	last := b.run(file.String(), `{}`)
	require.Equal(t, job.StatusSucceeded, last.Status)
	require.Equal(t, 100, most)

	b = setup(t)
	b.http = func(context.Context, activities.Step) (any, error) { return nil, hang() }
	b.RegisterDelayedCallback(b.CancelWorkflow, time.Minute)
	last = b.run(file.String(), `{}`)
	require.Equal(t, job.StatusCanceled, last.Status)
	require.Len(t, b.calls, 100)
	require.Equal(t, job.StatusCanceled, b.steps()["s249"].Status)
}

func TestRunThatIsSilentTellsNobody(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.silent = true
	b.http = script{"second": no}.answer
	last := b.run(chain, `{"n": 1}`)
	require.Equal(t, job.StatusFailed, last.Status)
	require.Empty(t, b.endings)
}

func TestUpdateInTheFirstTask(t *testing.T) {
	t.Parallel()
	b := setup(t)
	posted := b.send(0, workflows.UpdateCallback, "1", called(`"at once"`))
	last := b.run(waits("{callback: {}}"), `{}`)
	require.NoError(t, posted.err)
	require.JSONEq(t, `"at once"`, string(last.Output))
}
