package workflows_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/job"
)

// regions is a job with a group for every region: a call, then two that need it.
const regions = `
apiVersion: fairlead/v1
name: regions
input:
  type: object
  properties: {list: {type: array}, small: {type: boolean}}
steps:
  - {id: before, uses: http, with: {url: "https://a.example"}}
  - id: load
    foreach: {in: "${input.list}", as: region, key: "${region}", parallel: 2, tolerate: 1}
    steps:
      - {id: copy, uses: http, with: {url: "https://a.example/${region}/${steps.before.output.body}"}}
      - {id: check, uses: http, with: {url: "https://a.example/${steps.copy.output.body}/${index}"}}
      - {id: extra, if: "${!input.small}", needs: [copy], uses: http, with: {url: "https://a.example"}}
    output: "${ {'of': region, 'is': steps.check.output.body} }"
  - {id: after, uses: http, with: {url: "https://a.example", json: "${steps.load}"}}
output: "${steps.load.output}"
`

func TestGroupRunsItsStepsForEveryItem(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.http = func(_ context.Context, in activities.Step) (any, error) {
		return answered(in.Step + " " + in.Item), nil
	}
	last := b.run(regions, `{"list": ["eu", "us"], "small": true}`)
	require.Equal(t, job.StatusSucceeded, last.Status)
	require.JSONEq(t, `[{"of": "eu", "is": "check eu"}, {"of": "us", "is": "check us"}]`, string(last.Output))
	require.ElementsMatch(t, []string{"before", "copy/eu", "copy/us", "check/eu", "check/us", "after"}, b.order())
	require.JSONEq(t, `{"region": "eu", "steps": {"before": {"output": {"body": "before "}}}}`, string(b.callOf(t, "copy", "eu").Scope), "it sees the ancestors of its group")
	require.JSONEq(t, `{"index": 1, "steps": {"copy": {"output": {"body": "copy us"}}}}`, string(b.callOf(t, "check", "us").Scope))
	steps := b.steps()
	for i, id := range []string{"before", "load", "copy", "check", "extra", "after"} {
		require.Equal(t, i, steps[id].Position, id)
	}
	require.Equal(t, &activities.ItemCounts{Total: 2, Succeeded: 2}, steps["load"].Items)
	require.Equal(t, &activities.ItemCounts{Total: 2, Succeeded: 2}, steps["check"].Items)
	require.Equal(t, job.StatusSucceeded, steps["check"].Status)
	require.Equal(t, job.StatusSkipped, steps["extra"].Status)
	require.Equal(t, job.ReasonCondition, steps["extra"].Reason)
	require.Equal(t, job.ReasonCondition, b.items("extra")["us"].Reason)
	require.Equal(t, job.StatusSucceeded, b.items("load")["us"].Status)
}

func TestGroupFailsWithItsInnerStep(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.http = func(_ context.Context, in activities.Step) (any, error) {
		if in.Step == "copy" && in.Item != "eu" {
			return nil, refuse(job.Failure{Code: "http_status", Message: "no"}, 0)
		}
		return answered("x"), nil
	}
	last := b.run(regions, `{"list": ["eu", "us"], "small": false}`)
	require.Equal(t, job.StatusSucceeded, last.Status, "%v", last.Error)
	require.JSONEq(t, `[{"of": "eu", "is": "x"}, null]`, string(last.Output))
	require.Equal(t, &job.Failure{Code: "http_status", Message: "no", Step: "copy", Item: "us"}, b.items("load")["us"].Error)
	require.Equal(t, job.ReasonUpstream, b.items("check")["us"].Reason)
	require.Equal(t, job.StatusFailed, b.steps()["copy"].Status)
	require.Equal(t, job.ReasonTolerated, b.steps()["copy"].Reason)
	require.Equal(t, &activities.ItemCounts{Total: 2, Succeeded: 1, Failed: 1}, b.steps()["copy"].Items)
	require.Equal(t, &activities.ItemCounts{Total: 2, Succeeded: 1}, b.steps()["check"].Items)

	b = setup(t)
	b.http = func(_ context.Context, in activities.Step) (any, error) {
		if in.Step == "check" {
			return nil, refuse(job.Failure{Code: "http_status", Message: "no"}, 0)
		}
		return answered("x"), nil
	}
	last = b.run(regions, `{"list": ["eu", "us", "ap", "sa"], "small": false}`)
	require.Regexp(t, "^3 of 4 items failed, more than tolerate 1; first item (eu|us|ap), step [a-z_]+: http_status: no$", last.Error.Message)
	require.Contains(t, b.order(), "extra/eu", "independent branches go on")
	require.NotContains(t, b.items("copy"), "sa", "no further item is started")
	require.Equal(t, job.StatusFailed, b.steps()["check"].Status)
	require.Empty(t, b.steps()["check"].Reason)
}

func TestGroupWithoutItems(t *testing.T) {
	t.Parallel()
	const file = `
apiVersion: fairlead/v1
name: grouped
input: {type: object, properties: {run: {type: boolean}}}
steps:
  - {id: first, uses: http, with: {url: "https://a.example"}}
  - id: both
    if: "${input.run}"
    steps:
      - {id: one, uses: http, with: {url: "https://a.example"}}
      - {id: two, uses: http, with: {url: "https://a.example"}, continueOnError: true}
  - {id: after, uses: http, with: {url: "https://a.example", json: "${steps.both}"}}
`
	b := setup(t)
	b.http = func(_ context.Context, in activities.Step) (any, error) {
		if in.Step == "two" {
			return nil, refuse(job.Failure{Code: "http_status", Message: "no"}, 0)
		}
		return nil, nil
	}
	last := b.run(file, `{"run": true}`)
	require.Equal(t, job.StatusSucceeded, last.Status, "%v", last.Error)
	require.Equal(t, job.ReasonTolerated, b.steps()["two"].Reason)
	require.Nil(t, b.steps()["one"].Items)
	require.Equal(t, "null", string(b.steps()["both"].Output), "a group that says nothing of its output has none")
	require.Empty(t, b.calls[1].Item)

	b = setup(t)
	last = b.run(file, `{"run": false}`)
	require.Equal(t, job.StatusSucceeded, last.Status)
	require.Equal(t, []string{"first", "after"}, b.order())
	for _, id := range []string{"both", "one", "two"} {
		require.Equal(t, job.StatusSkipped, b.steps()[id].Status)
		require.Equal(t, job.ReasonCondition, b.steps()[id].Reason, id)
	}

	b = setup(t)
	b.http = func(context.Context, activities.Step) (any, error) {
		return nil, refuse(job.Failure{Code: "http_status", Message: "no"}, 0)
	}
	b.run(file, `{"run": true}`)
	require.Equal(t, job.ReasonUpstream, b.steps()["both"].Reason)
	require.Equal(t, job.ReasonUpstream, b.steps()["one"].Reason)
}

func TestGroupTimesOut(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.http = func(_ context.Context, in activities.Step) (any, error) {
		if in.Item == "us" && in.Step == "one" {
			return nil, hang()
		}
		return nil, nil
	}
	last := b.run(`
apiVersion: fairlead/v1
name: slow
input: {type: object, properties: {list: {type: array}}}
steps:
  - id: load
    foreach: {in: "${input.list}", as: it, key: "${it}"}
    timeout: 10m
    steps:
      - {id: one, uses: http, with: {url: "https://a.example"}}
      - {id: two, uses: http, with: {url: "https://a.example"}}
`, `{"list": ["eu", "us"]}`)
	require.Equal(t, job.StatusFailed, last.Status)
	require.Equal(t, job.StatusTimedOut, b.items("load")["us"].Status)
	require.Equal(t, "timeout", b.items("load")["us"].Error.Code)
	require.Equal(t, "us", b.items("load")["us"].Error.Item)
	require.Equal(t, job.StatusCanceled, b.items("one")["us"].Status)
	require.Equal(t, job.StatusCanceled, b.items("two")["us"].Status)
	require.Equal(t, job.StatusSucceeded, b.items("load")["eu"].Status)
	require.Equal(t, 10*time.Minute, last.EndedAt.Sub(last.StartedAt).Round(time.Second))
}

func TestGroupIsCanceled(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.http = func(_ context.Context, in activities.Step) (any, error) {
		if in.Step == "check" {
			return nil, hang()
		}
		return answered("x"), nil
	}
	b.RegisterDelayedCallback(b.CancelWorkflow, time.Minute)
	last := b.run(regions, `{"list": ["eu", "us", "ap"], "small": false}`)
	require.Equal(t, job.StatusCanceled, last.Status)
	steps := b.steps()
	for _, id := range []string{"load", "check", "after"} {
		require.Equal(t, job.StatusCanceled, steps[id].Status, id)
	}
	require.Equal(t, job.StatusSucceeded, steps["copy"].Status)
	require.Equal(t, job.StatusCanceled, b.items("load")["eu"].Status)
	require.NotContains(t, b.items("load"), "ap")
	for id, step := range steps {
		require.True(t, step.Status.Ended(), id)
	}
}
