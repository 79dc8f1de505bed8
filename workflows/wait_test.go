package workflows_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/workflows"
)

// waits is a job that waits in a way, then calls.
func waits(wait string) string {
	return `
apiVersion: fairlead/v1
name: waits
timeout: 48h
steps:
  - {id: pause, wait: ` + wait + `}
  - {id: after, uses: http, with: {url: "https://a.example", json: "${steps.pause}"}}
output: "${steps.pause.output}"
`
}

func TestWaitForALengthOfTime(t *testing.T) {
	t.Parallel()
	b := setup(t)
	last := b.run(waits("{for: 90m}"), `{}`)
	require.Equal(t, job.StatusSucceeded, last.Status)
	require.Equal(t, 90*time.Minute, last.EndedAt.Sub(last.StartedAt).Round(time.Second))
	require.Equal(t, job.StatusWaiting, b.records[0].Status)
	require.Equal(t, job.StatusWaiting, b.records[0].Steps[0].Status)
	require.Equal(t, "null", string(b.steps()["pause"].Output))
}

func TestWaitIsNoWaitingRunWhileSomethingRuns(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.RegisterDelayedCallback(func() {}, time.Minute)
	b.http = nil
	b.run(`
apiVersion: fairlead/v1
name: beside
steps:
  - {id: pause, wait: {for: 1h}}
  - {id: beside, needs: [], uses: http, with: {url: "https://a.example"}}
`, `{}`)
	require.Equal(t, job.StatusRunning, b.records[0].Status)
	require.Equal(t, job.StatusWaiting, b.records[1].Status)
}

func TestWaitUntilAnInstant(t *testing.T) {
	t.Parallel()
	for until, want := range map[string]time.Duration{
		`"${timestamp(run.startedAt) + duration('3h')}"`: 3 * time.Hour,
		`"${timestamp(run.startedAt) - duration('3h')}"`: 0,
		`"${'2020-01-01T00:00:00Z'}"`:                    0,
	} {
		b := setup(t)
		last := b.run(waits("{until: "+until+"}"), `{}`)
		require.Equal(t, job.StatusSucceeded, last.Status, until)
		require.Equal(t, want, last.EndedAt.Sub(last.StartedAt).Round(time.Second), until)
	}
}

func TestWaitUntilNoInstant(t *testing.T) {
	t.Parallel()
	b := setup(t)
	last := b.run(waits(`{until: "${run.id}"}`), `{}`)
	require.Equal(t, job.StatusFailed, last.Status)
	require.Equal(t, "wait_until", last.Error.Code)
}

func TestWaitIsCanceled(t *testing.T) {
	t.Parallel()
	for _, wait := range []string{"{for: 24h}", "{callback: {}}"} {
		b := setup(t)
		b.RegisterDelayedCallback(b.CancelWorkflow, time.Hour)
		last := b.run(waits(wait), `{}`)
		require.Equal(t, job.StatusCanceled, last.Status)
		require.Equal(t, job.StatusCanceled, b.steps()["pause"].Status)
		require.Equal(t, time.Hour, last.EndedAt.Sub(last.StartedAt).Round(time.Second))
	}
}

func TestWaitEndsWithItsRun(t *testing.T) {
	t.Parallel()
	b := setup(t)
	last := b.run(waits("{for: 72h}"), `{}`)
	require.Equal(t, job.StatusTimedOut, last.Status)
	require.Equal(t, job.StatusCanceled, b.steps()["pause"].Status)
}

// called is a callback to the step pause.
func called(body string) workflows.Callback {
	return workflows.Callback{Step: "pause", Body: json.RawMessage(body)}
}

func TestCallbackEndsTheWait(t *testing.T) {
	t.Parallel()
	b := setup(t)
	posted := b.send(time.Hour, workflows.UpdateCallback, "1", called(`{"id": 9007199254740993}`))
	last := b.run(waits("{callback: {timeout: 6h}}"), `{}`)
	require.NoError(t, posted.err)
	require.True(t, posted.accepted)
	require.Equal(t, job.StatusSucceeded, last.Status)
	require.JSONEq(t, `{"id": 9007199254740993}`, string(last.Output))
	require.Equal(t, time.Hour, last.EndedAt.Sub(last.StartedAt).Round(time.Second))
	require.Contains(t, b.scoped("after"), "9007199254740993")
}

const earlyFile = `
apiVersion: fairlead/v1
name: early
steps:
  - {id: before, wait: {for: 1h}}
  - {id: pause, wait: {callback: {}}}
  - {id: after, wait: {for: 1h}}
output: "${steps.pause.output}"
`

func TestCallbackIsKeptWhenItComesEarly(t *testing.T) {
	t.Parallel()
	b := setup(t)
	posted := b.send(time.Minute, workflows.UpdateCallback, "1", called(`"early"`))
	again := b.send(2*time.Minute, workflows.UpdateCallback, "2", called(`"early"`))
	other := b.send(3*time.Minute, workflows.UpdateCallback, "3", called(`"another"`))
	late := b.send(90*time.Minute, workflows.UpdateCallback, "4", called(`"early"`))
	differs := b.send(91*time.Minute, workflows.UpdateCallback, "5", called(`"late"`))
	last := b.run(earlyFile, `{}`)
	require.NoError(t, posted.err)
	require.NoError(t, again.err, "the same once more is harmless")
	require.NoError(t, late.err)
	require.Equal(t, workflows.RefusedDecided, other.refused(t))
	require.Equal(t, workflows.RefusedDecided, differs.refused(t))
	require.JSONEq(t, `"early"`, string(last.Output))
	require.Equal(t, 2*time.Hour, last.EndedAt.Sub(last.StartedAt).Round(time.Second))
}

func TestCallbackWithTheSameIDIsTakenOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := b.send(time.Minute, workflows.UpdateCallback, "1", called(`1`))
	second := b.send(2*time.Minute, workflows.UpdateCallback, "1", called(`2`))
	last := b.run(earlyFile, `{}`)
	require.NoError(t, first.err)
	require.NoError(t, second.err)
	require.JSONEq(t, `1`, string(last.Output))
}

func TestCallbackTimesOut(t *testing.T) {
	t.Parallel()
	b := setup(t)
	late := b.send(7*time.Hour, workflows.UpdateCallback, "1", called(`1`))
	last := b.run(waits("{callback: {timeout: 6h}}")+"finally: [{id: linger, wait: {for: 2h}}]\ncleanupTimeout: 3h\n", `{}`)
	require.Equal(t, job.StatusFailed, last.Status)
	require.Equal(t, &job.Failure{Code: "callback_timeout", Message: "nothing was posted to the step's URL within 6h", Step: "pause"}, last.Error)
	require.Equal(t, job.StatusTimedOut, b.steps()["pause"].Status)
	require.Equal(t, workflows.RefusedLate, late.refused(t))
}

func TestCallbackToNobody(t *testing.T) {
	t.Parallel()
	b := setup(t)
	unknown := b.send(time.Minute, workflows.UpdateCallback, "1", workflows.Callback{Step: "nobody", Body: json.RawMessage("1")})
	wrong := b.send(time.Minute, workflows.UpdateCallback, "2", workflows.Callback{Step: "after", Body: json.RawMessage("1")})
	item := b.send(time.Minute, workflows.UpdateCallback, "3", workflows.Callback{Step: "pause", Item: "x", Body: json.RawMessage("1")})
	b.run(earlyFile, `{}`)
	require.Equal(t, workflows.RefusedUnknown, unknown.refused(t))
	require.Equal(t, workflows.RefusedUnknown, wrong.refused(t))
	require.Equal(t, workflows.RefusedUnknown, item.refused(t))
}

func TestCallbackOfASkippedStepIsLate(t *testing.T) {
	t.Parallel()
	b := setup(t)
	late := b.send(time.Minute, workflows.UpdateCallback, "1", called(`1`))
	b.run(`
apiVersion: fairlead/v1
name: skipped
steps:
  - {id: pause, if: "${run.id == ''}", wait: {callback: {}}}
  - {id: after, wait: {for: 1h}}
`, `{}`)
	require.Equal(t, workflows.RefusedLate, late.refused(t))
}

func TestCallbackOfASkippedStepOfAnItemIsLate(t *testing.T) {
	t.Parallel()
	b := setup(t)
	to := func(item string) workflows.Callback {
		return workflows.Callback{Step: "pause", Item: item, Body: json.RawMessage(`1`)}
	}
	us := b.send(time.Minute, workflows.UpdateCallback, "us", to("us"))
	eu := b.send(time.Minute, workflows.UpdateCallback, "eu", to("eu"))
	b.run(`
apiVersion: fairlead/v1
name: hooks
steps:
  - id: load
    foreach: {in: ["us", "eu"], as: region, key: "${region}"}
    steps:
      - {id: pause, if: "${region == 'eu'}", wait: {callback: {}}}
      - {id: after, needs: [], wait: {for: 1h}}
`, `{}`)
	require.NoError(t, eu.err)
	require.Equal(t, workflows.RefusedLate, us.refused(t))
}

func TestCallbacksOfItems(t *testing.T) {
	t.Parallel()
	b := setup(t)
	to := func(item string) workflows.Callback {
		return workflows.Callback{Step: "pause", Item: item, Body: json.RawMessage(`"` + item + `!"`)}
	}
	eu := b.send(time.Minute, workflows.UpdateCallback, "eu", to("eu"))
	us := b.send(2*time.Minute, workflows.UpdateCallback, "us", to("us"))
	none := b.send(time.Second, workflows.UpdateCallback, "ap", to("ap"))
	last := b.run(`
apiVersion: fairlead/v1
name: hooks
steps:
  - id: load
    foreach: {in: ["us", "eu"], as: region, key: "${region}"}
    steps:
      - {id: ask, uses: http, with: {url: "https://a.example", json: "${callbacks.pause}"}}
      - {id: pause, wait: {callback: {}}, output: "${output + region}"}
    output: "${steps.pause.output}"
output: "${steps.load.output}"
`, `{}`)
	require.NoError(t, eu.err)
	require.NoError(t, us.err)
	require.Equal(t, workflows.RefusedUnknown, none.refused(t))
	require.JSONEq(t, `["us!us", "eu!eu"]`, string(last.Output))
	require.Equal(t, []string{"pause"}, b.calls[0].Callbacks)
	require.Equal(t, job.StatusWaiting, b.item(t, "pause", "us", 0))
}

// item is the state of an item when it was recorded for the nth time.
func (b *bench) item(t *testing.T, step, key string, n int) job.Status {
	t.Helper()
	var seen []activities.ItemRecord
	for _, record := range b.records {
		for _, item := range record.Items {
			if item.Step == step && item.Key == key {
				seen = append(seen, item)
			}
		}
	}
	require.Greater(t, len(seen), n)
	return seen[n].Status
}
