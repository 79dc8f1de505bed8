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
)

// each is a job with one step that has a foreach, and one that sees what came of it.
const each = `
apiVersion: fairlead/v1
name: each
input:
  type: object
  properties: {list: {type: array}}
steps:
  - {id: load, foreach: {in: "${input.list}", as: region%s}, uses: http, with: {url: "https://a.example/${region}/${index}"}%s}
  - {id: after, uses: http, with: {url: "https://b.example", json: "${steps.load}"}}
output: "${steps.load.output}"
`

// eachJob is the job with more of a foreach, and more of the step.
func eachJob(foreach, step string) string { return fmt.Sprintf(each, foreach, step) }

// answered is an action's output with that body.
func answered(body any) map[string]any {
	return map[string]any{"status": 200, "headers": map[string]any{}, "body": body}
}

// bad refuses the calls for these items, and answers all others with their item.
func bad(items ...string) func(context.Context, activities.Step) (any, error) {
	return func(_ context.Context, in activities.Step) (any, error) {
		for _, item := range items {
			if in.Item == item {
				return nil, refuse(job.Failure{Code: "http_status", Message: "no " + item, Status: 404}, 0)
			}
		}
		return answered(in.Item), nil
	}
}

// hang never ends: it asks for another attempt in a hundred days.
func hang() error {
	return refuse(job.Failure{Code: "http_status", Message: "503", Retryable: true}, 2400*time.Hour)
}

func TestForeachGivesTheListOfItsOutputs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.http = bad()
	last := b.run(eachJob(`, key: "${region}", parallel: 1`, ""), `{"list": ["eu", "us"]}`)
	require.Equal(t, job.StatusSucceeded, last.Status)
	require.JSONEq(t, `[{"status": 200, "headers": {}, "body": "eu"}, {"status": 200, "headers": {}, "body": "us"}]`, string(last.Output))
	require.Equal(t, []string{"load/eu", "load/us", "after"}, b.order())
	require.JSONEq(t, `{"region": "us", "index": 1}`, string(b.calls[1].Scope), "an item sees itself")
	require.NotEqual(t, b.calls[0].Token, b.calls[1].Token)
	require.Equal(t, job.Token("run_1", "load", "us", ""), b.calls[1].Token)
	require.JSONEq(t, `{"steps": {"load": {"status": "succeeded", "error": null, "output": `+string(last.Output)+`,
		"items": {"total": 2, "succeeded": 2, "failed": 0, "errors": []}}}}`, b.scoped("after"))

	step := b.steps()["load"]
	require.Equal(t, &activities.ItemCounts{Total: 2, Succeeded: 2}, step.Items)
	require.Equal(t, job.StatusSucceeded, step.Status)
	require.Nil(t, b.steps()["after"].Items)
	item := b.items("load")["us"]
	require.Equal(t, job.StatusSucceeded, item.Status)
	require.Equal(t, 1, item.Index)
	require.Equal(t, 1, item.Attempts)
	require.Equal(t, "load", item.Log.Key)
	require.False(t, item.EndedAt.IsZero())
}

func TestForeachNamesItemsByIndex(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.run(eachJob(", parallel: 1", ""), `{"list": ["eu", "us"]}`)
	require.Equal(t, []string{"load/0", "load/1", "after"}, b.order())
}

func TestForeachOfNothingSucceeds(t *testing.T) {
	t.Parallel()
	b := setup(t)
	last := b.run(eachJob("", ""), `{"list": []}`)
	require.Equal(t, job.StatusSucceeded, last.Status)
	require.JSONEq(t, `[]`, string(last.Output))
	require.Equal(t, &activities.ItemCounts{}, b.steps()["load"].Items)
	require.Equal(t, []string{"after"}, b.order())
}

func TestForeachIsSkippedBeforeItsItemsAreAsked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	last := b.run(`
apiVersion: fairlead/v1
name: skipped
input: {type: object, properties: {list: {type: array}}}
steps:
  - {id: load, if: "${size(input.list) > 2}", foreach: {in: "${input.list[5].nope}", as: region}, uses: http, with: {url: "https://a.example/${region}"}}
`, `{"list": [1]}`)
	require.Equal(t, job.StatusSucceeded, last.Status)
	require.Equal(t, job.ReasonCondition, b.steps()["load"].Reason)
}

func TestForeachBoundsWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	for parallel, want := range map[int]int{1: 1, 3: 3, 100: 30} {
		t.Run(fmt.Sprint(parallel), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			begun, ended, most := map[string]bool{}, 0, 0
			b.http = func(_ context.Context, in activities.Step) (any, error) {
				if in.Step == "load" && !begun[in.Item] {
					begun[in.Item] = true
					most = max(most, len(begun)-ended)
					return nil, refuse(job.Failure{Code: "http_status", Message: "503", Retryable: true}, time.Minute)
				}
				ended++
				return nil, nil
			}
			list := strings.Repeat("1,", 29) + "1"
			last := b.run(eachJob(fmt.Sprintf(", parallel: %d", parallel), ""), `{"list": [`+list+`]}`)
			require.Equal(t, job.StatusSucceeded, last.Status)
			require.Equal(t, want, most)
			require.Equal(t, 30, b.steps()["load"].Items.Succeeded)
		})
	}
}

func TestForeachFailsWhenMoreFailThanItTolerates(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.http = bad("us", "ap")
	last := b.run(eachJob(`, key: "${region}", parallel: 1, tolerate: 1`, ""), `{"list": ["eu", "us", "ap", "sa"]}`)
	require.Equal(t, job.StatusFailed, last.Status)
	require.Equal(t, &job.Failure{
		Code: "items_failed", Step: "load", Item: "us",
		Message: "2 of 4 items failed, more than tolerate 1; first item us: http_status: no us",
	}, last.Error)
	require.Equal(t, []string{"load/eu", "load/us", "load/ap"}, b.order(), "no further item is started")
	require.Equal(t, &activities.ItemCounts{Total: 4, Succeeded: 1, Failed: 2}, b.steps()["load"].Items)
	require.Equal(t, job.StatusFailed, b.items("load")["us"].Status)
	require.Equal(t, "us", b.items("load")["us"].Error.Item)
	require.Equal(t, job.ReasonUpstream, b.steps()["after"].Reason)
}

func TestForeachLetsItemsUnderWayEnd(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tries := 0
	b.http = func(_ context.Context, in activities.Step) (any, error) {
		switch {
		case in.Item == "bad":
			return nil, refuse(job.Failure{Code: "http_status", Message: "no"}, 0)
		case in.Item == "slow" && tries == 0:
			tries++
			return nil, refuse(job.Failure{Code: "http_status", Message: "503", Retryable: true}, time.Hour)
		}
		return nil, nil
	}
	last := b.run(eachJob(`, key: "${region}", parallel: 2`, ""), `{"list": ["slow", "bad", "never"]}`)
	require.Equal(t, "items_failed", last.Error.Code)
	require.Equal(t, job.StatusSucceeded, b.items("load")["slow"].Status)
	require.NotContains(t, b.items("load"), "never")
	require.Equal(t, time.Hour, last.EndedAt.Sub(last.StartedAt).Round(time.Minute))
}

func TestForeachToleratesItems(t *testing.T) {
	t.Parallel()
	for _, tolerate := range []string{"2", `"50%"`} {
		t.Run(tolerate, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.http = bad("us", "ap")
			last := b.run(eachJob(`, key: "${region}", parallel: 1, tolerate: `+tolerate, ""), `{"list": ["eu", "us", "ap", "sa"]}`)
			require.Equal(t, job.StatusSucceeded, last.Status)
			var outputs []any
			require.NoError(t, json.Unmarshal(last.Output, &outputs))
			require.NotNil(t, outputs[0])
			require.Nil(t, outputs[1], "null where an item failed")
			require.Nil(t, outputs[2])
			require.Contains(t, b.scoped("after"), `"errors":[{"code":"http_status","key":"us","message":"no us"},{"code":"http_status","key":"ap","message":"no ap"}]`)
			require.Contains(t, b.scoped("after"), `"failed":2`)
		})
	}
}

func TestForeachRoundsItsShareDown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.http = bad("us")
	last := b.run(eachJob(`, key: "${region}", tolerate: "49%"`, ""), `{"list": ["eu", "us"]}`)
	require.Equal(t, "items_failed", last.Error.Code)
}

func TestForeachAsksForEveryItemWhetherToGoOn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.http = bad("us", "ap")
	last := b.run(eachJob(`, key: "${region}"`, `, continueOnError: "${error.status == 404 && error.item == region}"`), `{"list": ["eu", "us", "ap"]}`)
	require.Equal(t, job.StatusSucceeded, last.Status)
	require.Equal(t, &activities.ItemCounts{Total: 3, Succeeded: 1, Failed: 2}, b.steps()["load"].Items)
	require.Equal(t, job.ReasonTolerated, b.items("load")["us"].Reason)

	picky := setup(t)
	picky.http = bad("us", "ap")
	last = picky.run(eachJob(`, key: "${region}", parallel: 1`, `, continueOnError: "${region == 'us'}"`), `{"list": ["eu", "us", "ap"]}`)
	require.Equal(t, "items_failed", last.Error.Code)
	require.Contains(t, last.Error.Message, "1 of 3 items failed, more than tolerate 0; first item ap")
}

func TestForeachFailsOnItsList(t *testing.T) {
	t.Parallel()
	many := strings.Repeat("1,", job.MaxItems) + "1"
	for name, test := range map[string]struct{ file, input, code string }{
		"no list":  {strings.Replace(eachJob("", ""), "list: {type: array}", "list: {}", 1), `{"list": {}}`, "foreach_in"},
		"no value": {eachJob("", ""), `{}`, "expression"},
		"too many": {eachJob("", ""), `{"list": [` + many + `]}`, "foreach_size"},
		"same key": {eachJob(`, key: "${region}"`, ""), `{"list": ["a", "a"]}`, "foreach_key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			last := b.run(test.file, test.input)
			require.Equal(t, job.StatusFailed, last.Status)
			require.Equal(t, test.code, last.Error.Code)
			require.Equal(t, "load", last.Error.Step)
			require.Empty(t, b.calls)
		})
	}
	b := setup(t)
	last := b.run(eachJob(`, key: "${region}"`, `, continueOnError: true`), `{"list": ["a", "a"]}`)
	require.Equal(t, job.ReasonTolerated, b.steps()["load"].Reason, "it covers the step's own failure")
	require.Contains(t, b.scoped("after"), `"foreach_key"`)
	require.JSONEq(t, "null", string(last.Output))
}

func TestForeachIsCanceled(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.http = func(_ context.Context, in activities.Step) (any, error) {
		if in.Item == "0" {
			return nil, nil
		}
		return nil, hang()
	}
	b.RegisterDelayedCallback(b.CancelWorkflow, time.Minute)
	last := b.run(eachJob(", parallel: 2", ""), `{"list": [1, 2, 3, 4, 5]}`)
	require.Equal(t, job.StatusCanceled, last.Status)
	require.Equal(t, job.StatusCanceled, b.steps()["load"].Status)
	require.ElementsMatch(t, []string{"load/0", "load/1", "load/2"}, b.order())
	require.Equal(t, job.StatusSucceeded, b.items("load")["0"].Status)
	require.Equal(t, job.StatusCanceled, b.items("load")["2"].Status)
}

func TestForeachTimesOutWithItsRun(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.http = func(context.Context, activities.Step) (any, error) { return nil, hang() }
	last := b.run("timeout: 1h\n"+eachJob("", ""), `{"list": [1, 2]}`)
	require.Equal(t, job.StatusTimedOut, last.Status)
	require.Equal(t, job.StatusCanceled, b.items("load")["1"].Status)
}

func TestForeachDoesAnInterruptedAttemptAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	stopped := map[string]bool{}
	b.http = func(_ context.Context, in activities.Step) (any, error) {
		if !stopped[in.Item] {
			stopped[in.Item] = true
			return nil, refuse(job.Failure{Code: activities.CodeInterrupted, Message: "the worker stopped"}, 0)
		}
		return nil, nil
	}
	last := b.run(eachJob("", ", retry: {attempts: 1}"), `{"list": [1, 2]}`)
	require.Equal(t, job.StatusSucceeded, last.Status)
	require.Len(t, b.calls, 6)
}

func TestForeachBoundsItsOutput(t *testing.T) {
	t.Parallel()
	b := setup(t)
	large := strings.Repeat("x", 6<<20)
	b.http = func(context.Context, activities.Step) (any, error) { return answered(large), nil }
	last := b.run(eachJob(", parallel: 1", ""), `{"list": [1, 2, 3, 4, 5]}`)
	require.Equal(t, job.StatusFailed, last.Status)
	require.Equal(t, "too_large", last.Error.Code)
	require.Len(t, b.calls, 3, "what is over the bound is not gone on with")

	b = setup(t)
	b.http = func(_ context.Context, in activities.Step) (any, error) {
		if in.Step == "after" {
			return nil, nil
		}
		return answered(large), nil
	}
	last = b.run(eachJob(", parallel: 1", ", continueOnError: true"), `{"list": [1, 2, 3, 4, 5]}`)
	require.Equal(t, job.StatusSucceeded, last.Status)
	require.Equal(t, job.ReasonTolerated, b.steps()["load"].Reason, "it is the step's own failure")
}

func TestForeachRecordsManyItemsInPieces(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.pause = time.Hour
	last := b.run(`
apiVersion: fairlead/v1
name: many
input: {type: object, properties: {list: {type: array}}}
steps:
  - id: each
    foreach: {in: "${input.list}", as: it}
    steps:
      - {id: one, if: "${it < 0}", uses: http, with: {url: "https://a.example"}}
      - {id: two, if: "${it < 0}", uses: http, with: {url: "https://a.example"}}
`, `{"list": [`+strings.Repeat("1,", job.MaxItems-1)+`1]}`)
	require.Equal(t, job.StatusSucceeded, last.Status)
	require.Len(t, b.items("each"), job.MaxItems)
	require.Len(t, b.items("two"), job.MaxItems)
	for _, record := range b.records {
		require.LessOrEqual(t, len(record.Items), 1000)
	}
	require.Equal(t, job.ReasonCondition, b.steps()["one"].Reason)
}
