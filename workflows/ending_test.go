package workflows_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/job"
)

// undoable is a job all of whose steps can be undone, but for the last.
const undoable = `
apiVersion: fairlead/v1
name: undoable
timeout: 5h
input: {type: object, properties: {list: {type: array}}}
steps:
  - {id: first, uses: http, with: {url: "https://a.example"}, compensate: {uses: http, with: {url: "https://undo.example/${output.body}/${run.id}"}, timeout: 7s}}
  - {id: side, needs: [], uses: http, with: {url: "https://a.example"}, compensate: {uses: http, with: {url: "https://undo.example"}}}
  - id: load
    needs: [first, side]
    foreach: {in: "${input.list}", as: region, key: "${region}", parallel: 1, tolerate: 1}
    steps:
      - {id: copy, uses: http, with: {url: "https://a.example"}, compensate: {uses: http, with: {url: "https://undo.example/${region}/${steps.first.output.body}"}}}
      - {id: check, uses: http, with: {url: "https://a.example"}}
    compensate: {uses: http, with: {url: "https://undo.example/${output}"}}
    output: "${steps.copy.output.body}"
  - {id: each, foreach: {in: "${input.list}", as: region, parallel: 1, tolerate: 1}, uses: http, with: {url: "https://a.example"}, compensate: {uses: http, with: {url: "https://undo.example"}}}
  - {id: last, uses: http, with: {url: "https://a.example"}}
`

// script answers the calls of some steps, by step or step/item, in another way.
type script map[string]func() (any, error)

// no is the answer of a call that fails.
func no() (any, error) { return nil, refuse(job.Failure{Code: "http_status", Message: "no"}, 0) }

// never is the answer of a call that doesn't end.
func never() (any, error) { return nil, hang() }

func (s script) answer(_ context.Context, in activities.Step) (any, error) {
	for _, name := range []string{in.Step + "/" + in.Item, in.Step} {
		if answer := s[name]; answer != nil {
			return answer()
		}
	}
	return answered(in.Step), nil
}

// undone are the compensations in the order in which they were called.
func (b *bench) undone() []string {
	var ids []string
	for _, id := range b.order() {
		if strings.Contains(id, ".compensate") {
			ids = append(ids, strings.Replace(id, ".compensate", "", 1))
		}
	}
	return ids
}

func TestCompensateUndoesInReverseOrder(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.http = script{"last": no, "check/us": no}.answer
	last := b.run(undoable, `{"list": ["eu", "us", "ap"]}`)
	require.Equal(t, job.StatusFailed, last.Status)
	require.Equal(t, "last", last.Error.Step)
	require.Equal(t, job.StatusSucceeded, last.Cleanup)
	undone := b.undone()
	require.Equal(t, []string{
		"each/2", "each/1", "each/0", "load/ap", "copy/ap", "copy/us", "load/eu", "copy/eu",
	}, undone[:8], "of a failed item, too")
	require.ElementsMatch(t, []string{"first", "side"}, undone[8:])

	call := b.callOf(t, "first.compensate", "")
	require.JSONEq(t, `{"output": {"body": "first"}, "run": {"id": "run_1"}}`, string(call.Scope))
	require.Equal(t, 7*time.Second, call.Timeout)
	require.Equal(t, job.Token("run_1", "first.compensate", "", ""), call.Token)
	require.JSONEq(t, `{"region": "us", "steps": {"first": {"output": {"body": "first"}}}}`, string(b.callOf(t, "copy.compensate", "us").Scope))
	require.JSONEq(t, `{"output": "copy"}`, string(b.callOf(t, "load.compensate", "ap").Scope))

	steps := b.steps()
	require.Equal(t, job.StatusCompensated, steps["first"].Status)
	require.NotNil(t, steps["first"].Output, "what it gave is still told")
	require.Equal(t, job.StatusCompensated, steps["load"].Status)
	require.Equal(t, job.StatusCompensated, steps["each"].Status)
	require.Equal(t, job.StatusCompensated, steps["copy"].Status)
	require.Equal(t, job.StatusFailed, steps["check"].Status)
	require.Equal(t, job.StatusFailed, steps["last"].Status)
	require.Equal(t, job.StatusCompensated, b.items("copy")["us"].Status)
	require.Equal(t, job.StatusFailed, b.items("load")["us"].Status)
	require.Equal(t, job.StatusCompensated, b.items("load")["eu"].Status)

	rows := 7
	require.Equal(t, rows+steps["copy"].Position, steps["copy.compensate"].Position)
	require.Equal(t, &activities.ItemCounts{Total: 3, Succeeded: 3}, steps["copy.compensate"].Items)
	require.Equal(t, job.StatusSucceeded, steps["copy.compensate"].Status)
	require.Equal(t, job.StatusSucceeded, b.items("copy.compensate")["us"].Status)
	require.Nil(t, steps["first.compensate"].Items)
	require.NotContains(t, b.records[0].Steps, "first.compensate")
}

func TestCompensateLeavesARunThatSucceeded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	last := b.run(undoable, `{"list": []}`)
	require.Equal(t, job.StatusSucceeded, last.Status)
	require.Empty(t, b.undone())
	require.Empty(t, last.Cleanup)
	require.NotContains(t, b.steps(), "first.compensate")
}

func TestCompensateUndoesARunWhoseOutputFails(t *testing.T) {
	t.Parallel()
	b := setup(t)
	last := b.run(undoable+`output: "${steps.last.output.body.nothing}"`, `{"list": []}`)
	require.Equal(t, job.StatusFailed, last.Status)
	require.Equal(t, "expression", last.Error.Code)
	require.ElementsMatch(t, []string{"first", "side"}, b.undone())
}

func TestCompensateUndoesACanceledRun(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.http = script{"each/1": never}.answer
	b.RegisterDelayedCallback(b.CancelWorkflow, time.Hour)
	last := b.run(undoable, `{"list": ["eu", "us", "ap"]}`)
	require.Equal(t, job.StatusCanceled, last.Status)
	require.Equal(t, job.StatusSucceeded, last.Cleanup)
	undone := b.undone()
	require.Equal(t, []string{"each/0", "load/ap", "copy/ap"}, undone[:3])
	require.Len(t, undone, 9)
	require.Equal(t, job.StatusCanceled, b.steps()["each"].Status)
	require.Equal(t, job.StatusCompensated, b.items("each")["0"].Status)
	require.Equal(t, job.StatusCanceled, b.items("each")["1"].Status)
}

func TestCompensateUndoesARunThatTimedOut(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.http = script{"last": never}.answer
	last := b.run(undoable, `{"list": []}`)
	require.Equal(t, job.StatusTimedOut, last.Status)
	require.ElementsMatch(t, []string{"first", "side"}, b.undone())
	require.Equal(t, job.StatusCompensated, b.steps()["side"].Status)
}

func TestCompensateGoesOnWhenOneFails(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.http = script{"last": no, "each.compensate/1": no}.answer
	last := b.run(undoable, `{"list": ["eu", "us", "ap"]}`)
	require.Equal(t, job.StatusFailed, last.Status)
	require.Equal(t, "last", last.Error.Step, "the outcome stands")
	require.Equal(t, job.StatusFailed, last.Cleanup)
	require.Len(t, b.undone(), 11)
	steps := b.steps()
	require.Equal(t, job.StatusFailed, steps["each.compensate"].Status)
	require.Equal(t, &activities.ItemCounts{Total: 3, Succeeded: 2, Failed: 1}, steps["each.compensate"].Items)
	require.Equal(t, "each.compensate", steps["each.compensate"].Error.Step)
	require.Equal(t, job.StatusSucceeded, b.items("each")["1"].Status)
	require.Equal(t, job.StatusSucceeded, steps["each"].Status, "one of its items is not undone")
	require.Equal(t, job.StatusCompensated, steps["first"].Status)
}

func TestCleanupEndsAtItsTimeout(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.http = script{"last": no, "load.compensate/eu": never, "unlock": never}.answer
	last := b.run(undoable+`
cleanupTimeout: 20m
finally: [{id: unlock, uses: http, with: {url: "https://a.example"}}]
`, `{"list": ["eu"]}`)
	require.Equal(t, job.StatusFailed, last.Status)
	require.Equal(t, job.StatusFailed, last.Cleanup)
	require.Equal(t, 20*time.Minute, last.EndedAt.Sub(last.StartedAt).Round(time.Second))
	require.Equal(t, []string{"each/0", "load/eu"}, b.undone())
	steps := b.steps()
	require.Equal(t, job.StatusCanceled, steps["load.compensate"].Status)
	require.Equal(t, job.StatusCanceled, steps["unlock"].Status)
	require.Equal(t, job.StatusCanceled, steps["first.compensate"].Status, "what is left undone shows")
	for id, step := range steps {
		require.True(t, step.Status.Ended(), id)
	}
}

func TestCompensationsLeaveTimeToFinally(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.http = script{"last": no, "load.compensate/eu": never}.answer
	last := b.run(undoable+`
cleanupTimeout: 20m
finally: [{id: unlock, uses: http, with: {url: "https://a.example"}}]
`, `{"list": ["eu"]}`)
	require.Equal(t, job.StatusFailed, last.Cleanup)
	require.Equal(t, 15*time.Minute, last.EndedAt.Sub(last.StartedAt).Round(time.Second))
	require.Equal(t, job.StatusSucceeded, b.steps()["unlock"].Status)
}

// ends is a job that calls, then ends with two steps.
const ends = `
apiVersion: fairlead/v1
name: ends
timeout: 5h
steps:
  - {id: work, uses: http, with: {url: "https://a.example"}}
  - {id: more, uses: http, with: {url: "https://a.example"}}
output: "${steps.work.output.body}"
finally:
  - {id: tell, uses: http, with: {url: "https://a.example", json: ["${run.outcome}", "${run.error}", "${steps.work.status}", "${steps.more.?output.?body.orValue('none')}"]}}
  - {id: quiet, if: "${run.outcome == 'succeeded'}", foreach: {in: [1, 2], as: n, parallel: 1}, uses: http, with: {url: "https://a.example/${n}/${steps.tell.status}"}}
  - {id: pause, wait: {for: 5m}}
`

func TestFinallyRunsAfterASuccess(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.http = script{}.answer
	last := b.run(ends, `{}`)
	require.Equal(t, job.StatusSucceeded, last.Status)
	require.Equal(t, job.StatusSucceeded, last.Cleanup)
	require.JSONEq(t, `"work"`, string(last.Output))
	require.Equal(t, []string{"work", "more", "tell", "quiet/0", "quiet/1"}, b.order())
	require.JSONEq(t, `{"run": {"outcome": "succeeded", "error": null}, "steps": {"work": {"status": "succeeded"}, "more": {"output": {"body": "more"}}}}`, b.scoped("tell"))
	require.JSONEq(t, `{"n": 1, "steps": {"tell": {"status": "succeeded"}}}`, b.scoped("quiet"))
	require.Equal(t, 5*time.Minute, last.EndedAt.Sub(last.StartedAt).Round(time.Second))
	require.Equal(t, 2, b.steps()["tell"].Position)
}

func TestFinallyRunsAfterAFailure(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.http = script{"work": no, "tell": no}.answer
	last := b.run(ends, `{}`)
	require.Equal(t, job.StatusFailed, last.Status)
	require.Equal(t, "work", last.Error.Step, "a step that fails here keeps the outcome")
	require.Equal(t, job.StatusFailed, last.Cleanup)
	require.Contains(t, b.scoped("tell"), `"outcome":"failed"`)
	require.Contains(t, b.scoped("tell"), `"code":"http_status"`)
	steps := b.steps()
	require.Equal(t, job.StatusFailed, steps["tell"].Status)
	require.Equal(t, job.ReasonCondition, steps["quiet"].Reason)
	require.Equal(t, job.StatusSucceeded, steps["pause"].Status, "each runs whatever became of the one before")
}

func TestFinallyRunsAfterACancel(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.http = script{"more": never}.answer
	b.RegisterDelayedCallback(b.CancelWorkflow, time.Hour)
	last := b.run(ends, `{}`)
	require.Equal(t, job.StatusCanceled, last.Status)
	require.Equal(t, job.StatusSucceeded, last.Cleanup)
	require.Contains(t, b.scoped("tell"), `"outcome":"canceled"`)
	require.Contains(t, b.scoped("tell"), `"code":"canceled"`)
	require.Equal(t, job.StatusSucceeded, b.steps()["pause"].Status)
}

func TestFinallySeesWhatWasUndone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.http = script{"last": no}.answer
	b.run(undoable+`
finally: [{id: tell, uses: http, with: {url: "https://a.example", json: ["${steps.first.status}", "${steps.each.status}", "${steps.last.status}"]}}]
`, `{"list": [1]}`)
	require.JSONEq(t, `{"steps": {"first": {"status": "compensated"}, "each": {"status": "compensated"}, "last": {"status": "failed"}}}`, b.scoped("tell"))
}

func TestFinallyGoesOnWhenTheRunIsCanceledThen(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.http = script{}.answer
	b.RegisterDelayedCallback(b.CancelWorkflow, 2*time.Minute)
	last := b.run(ends, `{}`)
	require.Equal(t, job.StatusSucceeded, last.Status, "its outcome is fixed")
	require.Equal(t, job.StatusSucceeded, b.steps()["pause"].Status)
}

// staged is a job with a group for each of twenty items, and what undoes a copy refers to.
func staged(undo string) string {
	return `
apiVersion: fairlead/v1
name: staged
steps:
  - id: load
    foreach: {in: "${[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20]}", as: n, parallel: 1}
    steps:
      - {id: fetch, uses: http, with: {url: "https://a.example/${n}"}}
      - {id: copy, uses: http, with: {url: "https://a.example/${steps.fetch.output.status}"}, compensate: {uses: http, with: {url: "https://undo.example", json: "` + undo + `"}}}
  - {id: last, uses: http, with: {url: "https://a.example"}}
`
}

// What an item's steps gave is let go of at its end, but for what undoes it.
func TestCompensationsBoundWhatTheyHold(t *testing.T) {
	t.Parallel()
	for undo, large := range map[string]string{"${n}": "fetch", "${output.body}": "copy", "${steps.fetch.output.body}": "fetch"} {
		t.Run(undo, func(t *testing.T) {
			t.Parallel()
			b, _ := strict(t)
			b.http = func(_ context.Context, in activities.Step) (any, error) {
				switch in.Step {
				case large:
					return answered(strings.Repeat("x", 4<<20)), nil
				case "last":
					return no()
				}
				return answered(in.Step), nil
			}
			last := b.run(staged(undo), `{}`)
			require.Equal(t, job.StatusSucceeded, last.Cleanup)
			if undo == "${n}" {
				require.Equal(t, "last", last.Error.Step)
				require.Len(t, b.undone(), 20)
				return
			}
			require.Equal(t, "items_failed", last.Error.Code)
			require.Contains(t, last.Error.Message, "too_large: the outputs that expressions refer to have more than 64 MiB together")
			require.Len(t, b.undone(), 15, "what was done before is undone")
		})
	}
}

// A pass whose call was made, but whose output there was no room for, has failed; it is undone, and stays failed.
func TestWhatFailedStaysFailedWhenItIsUndone(t *testing.T) {
	t.Parallel()
	b, _ := strict(t)
	b.http = func(_ context.Context, in activities.Step) (any, error) {
		if in.Step == "copy" {
			return answered(strings.Repeat("x", 15<<20)), nil
		}
		return answered(in.Step), nil
	}
	last := b.run(`
apiVersion: fairlead/v1
name: full
steps:
  - id: load
    foreach: {in: "${[1, 2, 3, 4, 5]}", as: n}
    steps:
      - {id: copy, uses: http, with: {url: "https://a.example/${n}"}, compensate: {uses: http, with: {url: "https://undo.example/${n}"}}}
      - {id: hold, wait: {for: 1h}}
      - {id: check, uses: http, with: {url: "https://a.example/${size(string(steps.copy.output.body))}"}}
`, `{}`)
	require.Equal(t, job.StatusFailed, last.Status)
	require.Len(t, b.undone(), 5)
	var failed, compensated int
	for _, item := range b.items("copy") {
		switch item.Status {
		case job.StatusFailed:
			failed++
			require.Equal(t, "too_large", item.Error.Code)
		case job.StatusCompensated:
			compensated++
		default:
			require.Fail(t, "neither failed nor compensated", item)
		}
	}
	require.Equal(t, 1, failed)
	require.Equal(t, 4, compensated)
}
