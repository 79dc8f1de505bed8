package job_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/job/expr"
)

// every has every kind of step and of expression.
const every = `
apiVersion: fairlead/v1
name: every
input:
  type: object
  required: [regions]
  properties:
    regions: {type: array, items: {type: string}}
    at: {type: string, default: "2026-01-05T00:00:00Z"}
priority: 2
timeout: 2h
cleanupTimeout: 5m
defaults:
  timeout: 1m
  retry: {attempts: 5, initial: 2s}
  with: {http: {method: POST, headers: {Owner: "${vars.owner}"}}}
steps:
  - id: extract
    uses: http
    with: {url: "https://a.example/start", json: {back: "${callbacks.finished}"}}
    retry: {attempts: 2, maxElapsed: 10m, if: "${error.status == 409 && input.at != ''}"}
    poll: {every: 30s, until: "${output.body.state == 'READY'}", failIf: "${output.status == 410 && vars.strict}", timeout: 2h}
    output: "${output.body.rows + run.version}"
    token: "extract-${input.at}"
    effect: repeatable
    compensate: {uses: http, with: {method: DELETE, url: "https://a.example/${output}/${run.id}"}, timeout: 5s}
  - id: finished
    needs: []
    wait: {callback: {timeout: 6h}}
  - id: load
    needs: [extract, finished]
    foreach: {in: "${input.regions}", as: region, key: "${region}-${index}", parallel: 8, tolerate: "25%"}
    continueOnError: "${error.code == 'http_status' && region == 'eu'}"
    timeout: 20m
    steps:
      - {id: copy, uses: http, with: {url: "https://b.example/${region}/${steps.extract.output}"}}
      - {id: nap, wait: {for: 10s}}
      - {id: check, needs: [copy], uses: job.run, with: {job: child, input: {region: "${region}", copied: "${steps.copy.output.status}"}}}
    output: "${steps.copy.output.status + index}"
  - id: pause
    wait: {until: "${timestamp(input.at) + duration('1h')}"}
    output: done
  - id: review
    if: "${steps.load.items.failed > 0}"
    approval: {by: ["group:finance", "user:ana@example.com"], message: "Go on without ${steps.load.items.failed}?", timeout: 2h, onTimeout: reject, notSubmitter: true}
    output: "${output.by}"
  - id: gate
    if: "${steps.load.items.failed > 1}"
    uses: fail
    with: {code: too_few, message: too few}
finally:
  - {id: unlock, uses: http, with: {method: DELETE, url: "https://lake.example/lock/${run.outcome}"}}
  - {id: tell, if: "${run.outcome != 'succeeded'}", uses: http, with: {url: "https://lake.example/", json: {unlocked: "${steps.unlock.status}"}}}
output: {at: "${steps.pause.output}"}
`

func TestEveryKeyIsDecoded(t *testing.T) {
	t.Parallel()
	def := load(t, every).Definition
	minutes := func(n int) job.Duration { return job.Duration(time.Duration(n) * time.Minute) }
	standard := job.Retry{Attempts: 5, Initial: job.Duration(2 * time.Second), Factor: 2, Max: minutes(1)}
	require.Equal(t, 2, def.Priority)
	require.Equal(t, minutes(5), def.CleanupTimeout)
	require.Len(t, def.Steps, 6)

	extract := def.Steps[0]
	require.Equal(t, job.Retry{
		Attempts: 2, Initial: job.Duration(2 * time.Second), Factor: 2, Max: minutes(1),
		MaxElapsed: minutes(10), If: "${error.status == 409 && input.at != ''}",
	}, extract.Retry)
	require.Equal(t, &job.Poll{
		Every: job.Duration(30 * time.Second), Until: "${output.body.state == 'READY'}",
		FailIf: "${output.status == 410 && vars.strict}", Timeout: minutes(120),
	}, extract.Poll)
	require.Equal(t, "extract-${input.at}", extract.Token)
	require.JSONEq(t, `"${output.body.rows + run.version}"`, string(extract.Output))
	require.Equal(t, job.Duration(5*time.Second), extract.Compensate.Timeout)
	require.Equal(t, standard, extract.Compensate.Retry)
	require.JSONEq(t, `{"method":"DELETE","headers":{"Owner":"${vars.owner}"},"url":"https://a.example/${output}/${run.id}"}`, string(extract.Compensate.With))

	finished := def.Steps[1]
	require.Equal(t, &job.Wait{Callback: &job.CallbackWait{Timeout: minutes(360)}}, finished.Wait)
	require.Equal(t, job.Retry{}, finished.Retry)
	require.Zero(t, finished.Timeout)
	require.Nil(t, finished.With)

	group := def.Steps[2]
	require.Equal(t, &job.Foreach{
		In: json.RawMessage(`"${input.regions}"`), As: "region", Key: "${region}-${index}", Parallel: 8, Tolerate: job.Tolerance{Percent: 25},
	}, group.Foreach)
	require.Equal(t, minutes(20), group.Timeout)
	require.Equal(t, []string{}, group.Steps[0].Needs)
	require.Equal(t, []string{"copy"}, group.Steps[1].Needs)
	require.Equal(t, minutes(1), group.Steps[0].Timeout)
	require.Equal(t, standard, group.Steps[0].Retry)
	require.Contains(t, string(group.Steps[0].With), "Owner")
	require.Zero(t, group.Steps[2].Timeout, "a child is bounded by its own timeout")

	require.Equal(t, &job.Approval{
		By: []string{"group:finance", "user:ana@example.com"}, Message: "Go on without ${steps.load.items.failed}?",
		Timeout: minutes(120), OnTimeout: job.OnTimeoutReject, NotSubmitter: true,
	}, def.Steps[4].Approval)
	require.Equal(t, []string{}, def.Finally[0].Needs)
	require.Equal(t, []string{"unlock"}, def.Finally[1].Needs)
	require.Contains(t, string(def.Finally[0].With), "Owner")
}

// values is what a run of every knows at its end.
func values() expr.Scope {
	ended := func(output any) map[string]any {
		return map[string]any{
			"status": "succeeded", "output": output, "error": nil,
			"items": map[string]any{"total": int64(2), "succeeded": int64(1), "failed": int64(1), "errors": []any{}},
		}
	}
	return expr.Scope{
		"input": map[string]any{"regions": []any{"eu", "us"}, "at": "2026-01-05T00:00:00Z"},
		"vars":  map[string]any{"owner": "finance", "strict": true, "other": "x"},
		"run":   map[string]any{"id": "run_1", "job": "every", "version": int64(3), "trigger": "api", "startedAt": "2026-01-05T00:00:00Z"},
		"steps": map[string]any{
			"extract": ended(int64(7)), "finished": ended(map[string]any{}), "load": ended([]any{int64(200), nil}),
			"pause": ended("done"), "review": ended("ana"), "copy": ended(map[string]any{"status": int64(200)}),
		},
		"region": "eu", "index": int64(1),
	}
}

func TestEvaluators(t *testing.T) {
	t.Parallel()
	p := open(t, every)

	items, err := p.Items("load", values())
	require.NoError(t, err)
	require.Equal(t, []job.Item{{Index: 0, Key: "eu-0", Value: "eu"}, {Index: 1, Key: "us-1", Value: "us"}}, items)

	until, err := p.Until("pause", values())
	require.NoError(t, err)
	require.Equal(t, time.Date(2026, 1, 5, 1, 0, 0, 0, time.UTC), until)

	message, err := p.Message("review", values())
	require.NoError(t, err)
	require.Equal(t, "Go on without 1?", message)

	output, ok, err := p.StepOutput("load", values())
	require.NoError(t, err)
	require.True(t, ok)
	require.JSONEq(t, "201", string(output))
	_, ok, err = p.StepOutput("finished", values())
	require.NoError(t, err)
	require.False(t, ok)

	covered, err := p.Continues("load", values(), &job.Failure{Code: "http_status"})
	require.NoError(t, err)
	require.True(t, covered)
	whole := values()
	delete(whole, "region")
	covered, err = p.Continues("load", whole, &job.Failure{Code: "http_status"})
	require.NoError(t, err)
	require.False(t, covered, "of the step as a whole there is no item")
	covered, err = p.Continues("extract", values(), &job.Failure{Code: "http_status"})
	require.NoError(t, err)
	require.False(t, covered)

	require.Equal(t, []string{"owner", "strict"}, p.Variables())
	require.Equal(t, []string{"finished"}, p.Callbacks("extract"))
	require.Empty(t, p.Callbacks("copy"))
	for step, mentioned := range map[string]bool{"copy": true, "extract": true, "load": true, "unlock": true, "nap": false, "review": false, "gate": false} {
		require.Equal(t, mentioned, p.Mentions(step), step)
	}
}

func TestScopesOfActivities(t *testing.T) {
	t.Parallel()
	p := open(t, every)
	require.Equal(t, expr.Scope{
		"vars":  map[string]any{"owner": "finance", "strict": true},
		"input": map[string]any{"at": "2026-01-05T00:00:00Z"},
		"run":   map[string]any{"version": int64(3)},
	}, p.StepScope("extract", values()), "arguments, token, poll, retry.if and output, without what the activity adds")

	undo := values()
	undo["output"] = int64(7)
	require.Equal(t, expr.Scope{
		"vars": map[string]any{"owner": "finance"}, "run": map[string]any{"id": "run_1"}, "output": int64(7),
	}, p.CompensateScope("extract", undo))

	require.Equal(t, expr.Scope{
		"vars": map[string]any{"owner": "finance"}, "region": "eu", "steps": map[string]any{"extract": map[string]any{"output": int64(7)}},
	}, p.StepScope("copy", values()))
	require.Empty(t, p.CompensateScope("copy", values()))
}

func TestItemsThatCannotBe(t *testing.T) {
	t.Parallel()
	const source = `
apiVersion: fairlead/v1
name: items
input: {type: object, additionalProperties: true}
steps:
  - id: a
    foreach: {in: "${input.list}", as: item, key: %s}
    uses: http
    with: {url: "https://a.example"}
`
	many := make([]any, job.MaxItems+1)
	for name, test := range map[string]struct {
		key  string
		list any
		code job.Code
		says string
	}{
		"no list":          {`"${item}"`, "eu", job.CodeForeachIn, "this gave a text"},
		"nothing":          {`"${item}"`, nil, job.CodeForeachIn, "this gave null"},
		"too many":         {`"${item}"`, many, job.CodeForeachSize, "gives 1001 items; at most 1000"},
		"twice":            {`"${item}"`, []any{"a", "b", "a"}, job.CodeForeachKey, `items 0 and 2 (from 0) of step a have the key "a"`},
		"empty":            {`"${item}"`, []any{""}, job.CodeForeachKey, "gives an empty text"},
		"long":             {`"${item}"`, []any{strings.Repeat("é", 201)}, job.CodeForeachKey, "gives a text of 201 characters; at most 200"},
		"control":          {`"${item}"`, []any{"a\nb"}, job.CodeForeachKey, "control characters are not allowed"},
		"no text":          {`"${item}"`, []any{1.5}, job.CodeForeachKey, "gives a text or an integer; this gave a number"},
		"fails":            {`"${item.id}"`, []any{map[string]any{}}, job.CodeExpression, "the `foreach.key` of step a for item 0 (from 0)"},
		"an integer twice": {`"${item}"`, []any{int64(1), "1"}, job.CodeForeachKey, `have the key "1"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := open(t, fmt.Sprintf(source, test.key))
			_, err := p.Items("a", expr.Scope{"input": map[string]any{"list": test.list}})
			require.Equal(t, test.code, job.CodeOf(err))
			require.ErrorContains(t, err, test.says)
		})
	}
	p := open(t, fmt.Sprintf(source, `"${item}"`))
	items, err := p.Items("a", expr.Scope{"input": map[string]any{"list": []any{int64(9007199254740993), "x"}}})
	require.NoError(t, err)
	require.Equal(t, "9007199254740993", items[0].Key)
}
