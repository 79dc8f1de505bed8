package job_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/job/expr"
)

const program = `
apiVersion: fairlead/v1
name: nightly-orders
description: One day's orders.
labels: {owner: finance}
input:
  type: object
  required: [day]
  properties: {day: {type: string, format: date}, limit: {type: integer, default: 9007199254740993}}
steps:
  - id: extract
    uses: http
    with: {url: "https://a.example/${input.day}"}
  - id: load
    if: "${steps.extract.output.status == 200 && input.limit > 10}"
    uses: http
    with: {method: POST, url: "https://b.example/", json: {rows: "${steps.extract.output.body.rows}", run: "${run.id}"}}
output: {rows: "${steps.extract.output.body.rows}", loaded: "${steps.load.status == 'succeeded'}"}
notify:
  - {events: [failed, recovered], to: ["email:ana@example.com"], severity: high}
`

// scope is what a run of program knows after its first step.
func scope(status int64) expr.Scope {
	return expr.Scope{
		"input": map[string]any{"day": "2026-01-05", "limit": int64(9007199254740993)},
		"run":   map[string]any{"id": "run_1", "job": "nightly-orders", "version": int64(1), "trigger": "api", "startedAt": "2026-01-05T00:00:00Z"},
		"steps": map[string]any{
			"extract": map[string]any{
				"status": "succeeded", "error": nil,
				"output": map[string]any{"status": status, "headers": map[string]any{"a": "b"}, "body": map[string]any{"rows": []any{int64(1), int64(2)}, "other": "large"}},
			},
			"load": map[string]any{"status": "succeeded", "error": nil, "output": map[string]any{"status": int64(201), "headers": map[string]any{}, "body": nil}},
		},
	}
}

func TestProgram(t *testing.T) {
	t.Parallel()
	p := open(t, program)
	require.Equal(t, "nightly-orders", p.Definition.Name)
	require.Equal(t, []job.NotifyRule{{Events: []string{job.EventFailed, job.EventRecovered}, To: []string{"email:ana@example.com"}, Severity: job.SeverityHigh}}, p.Definition.Notify)
	require.Equal(t, "http", p.Step("load").Uses)
	require.Nil(t, p.Step("nothing"))

	always, err := p.Condition("extract", expr.Scope{})
	require.NoError(t, err)
	require.True(t, always)
	yes, err := p.Condition("load", scope(200))
	require.NoError(t, err)
	require.True(t, yes)
	no, err := p.Condition("load", scope(404))
	require.NoError(t, err)
	require.False(t, no)

	output, err := p.Output(scope(200))
	require.NoError(t, err)
	require.JSONEq(t, `{"rows":[1,2],"loaded":true}`, string(output))
}

func TestProgramExpressionsThatFail(t *testing.T) {
	t.Parallel()
	p := open(t, program)
	empty := expr.Scope{"input": map[string]any{}, "steps": map[string]any{"extract": map[string]any{"status": "succeeded", "output": nil}, "load": map[string]any{}}}

	_, err := p.Condition("load", empty)
	require.Equal(t, job.CodeExpression, job.CodeOf(err))
	require.ErrorContains(t, err, "the `if` of step load")

	_, err = p.Output(empty)
	require.Equal(t, job.CodeExpression, job.CodeOf(err))
	require.ErrorContains(t, err, "the run's output: /")

	_, err = p.Condition("nothing", empty)
	require.Equal(t, job.CodeInternal, job.CodeOf(err))
}

func TestStepScopeIsEnoughAndNoMore(t *testing.T) {
	t.Parallel()
	p := open(t, program)
	pruned := p.StepScope("load", scope(200))
	require.Equal(t, expr.Scope{
		"run":   map[string]any{"id": "run_1"},
		"steps": map[string]any{"extract": map[string]any{"output": map[string]any{"body": map[string]any{"rows": []any{int64(1), int64(2)}}}}},
	}, pruned)

	late := job.NewLate()
	whole, err := late.Render(p.Step("load").With, scope(200))
	require.NoError(t, err)
	part, err := late.Render(p.Step("load").With, pruned)
	require.NoError(t, err)
	require.Equal(t, whole, part)
	require.Empty(t, p.StepScope("nothing", scope(200)))
}

func TestProgramIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	p := open(t, program)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			ok, err := p.Condition("load", scope(200))
			if err != nil || !ok {
				t.Error("condition", ok, err)
			}
			if _, err := p.CheckInput([]byte(`{"day":"2026-01-05"}`)); err != nil {
				t.Error(err)
			}
			p.StepScope("load", scope(200))
			p.Main.Next(nil)
		})
	}
	all.Wait()
}

func TestOpenRefusesWhatIsNoJob(t *testing.T) {
	t.Parallel()
	for _, stored := range []string{"", "name: yaml", `{"apiVersion":"fairlead/v1","name":"a","steps":[{"id":"a","uses":"gone"}]}`} {
		_, err := job.Open([]byte(stored))
		require.Equal(t, job.CodeInternal, job.CodeOf(err), stored)
	}
}
