package job_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/job/expr"
)

// lateTemplates are a step's arguments: good ones, ones that fail on some values,
// and ones that don't compile or are no JSON.
var lateTemplates = []string{
	`{"url": "https://x.example/${input.id}", "json": {"ids": "${input.ids.map(i, i + 1)}", "n": 9007199254740993, "none": null}, "list": [1.5, true, "$${x}"]}`,
	`"${input.ids[input.id]}"`, `"a"`, `{"a": "${input.gone}", "b": "<${null}>"}`, `{"b": "${1 +}", "a": ["${nope(}"]}`, `"${size(1)}"`, `{"a": `, `{}`,
}

var lateConditions = []string{
	"${input.id == 1}", " ${input.ids.exists(i, i > input.id)} ", "${input.id}", "${input.gone}", "input.id == 1", "${1 +}", "${'a'}", "${a}${b}", "",
}

func lateScope(id int) expr.Scope {
	return expr.Scope{"input": map[string]any{"id": int64(id), "ids": []any{int64(1), int64(2)}}}
}

// told is a value or why there is none, as text.
func told(value any, err error) string {
	text, failed := json.Marshal(value)
	return fmt.Sprint(string(text), " ", failed, " ", err)
}

// anew evaluates what is compiled for one evaluation.
func anew(template string, scope expr.Scope) string {
	value, err := expr.Decode([]byte(template))
	if err != nil {
		return told(nil, err)
	}
	return stringAnew(value, scope)
}

func stringAnew(value any, scope expr.Scope) string {
	compiled, err := expr.Late(value)
	if err != nil {
		return told(nil, err)
	}
	return told(compiled.Render(scope))
}

func conditionAnew(source string, scope expr.Scope) string {
	compiled, err := expr.LateCondition(source)
	if err != nil {
		return told(false, err)
	}
	return told(compiled.Bool(scope))
}

// What is kept compiled gives what is compiled anew, be it a value or an error,
// over every scope and each time.
func TestConcurrentLateAnswersAsWhatIsCompiledAnew(t *testing.T) {
	t.Parallel()
	late := job.NewLate()
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for round := range 4 {
				scope := lateScope((worker + round) % 3)
				same := func(want, got string) {
					if want != got {
						t.Errorf("compiled anew: %s\nkept: %s", want, got)
					}
				}
				for _, template := range lateTemplates {
					same(anew(template, scope), told(late.Render(json.RawMessage(template), scope)))
				}
				for _, source := range lateConditions {
					same(conditionAnew(source, scope), told(late.Bool(source, scope)))
					same(stringAnew(source, scope), told(late.RenderString(source, scope)))
				}
			}
		})
	}
	all.Wait()
}

// A rendered value is the caller's own.
func TestLateRendersNewValues(t *testing.T) {
	t.Parallel()
	late := job.NewLate()
	for range 2 {
		value, err := late.Render(json.RawMessage(`{"plain": {"a": [1]}, "made": "${ {'a': [1]} }"}`), nil)
		require.NoError(t, err)
		one := map[string]any{"a": []any{int64(1)}}
		require.Equal(t, map[string]any{"plain": one, "made": one}, value)
		for _, member := range value.(map[string]any) {
			member.(map[string]any)["a"].([]any)[0] = "changed"
			member.(map[string]any)["b"] = "added"
		}
	}
}

// The same text is another thing as a condition, as a string and as JSON.
func TestLateKeepsApartWhatIsWanted(t *testing.T) {
	t.Parallel()
	late := job.NewLate()
	scope := lateScope(1)
	for range 2 {
		_, err := late.Bool(`"${input.id}"`, scope)
		require.ErrorContains(t, err, "a condition is one expression")
		value, err := late.RenderString(`"${input.id}"`, scope)
		require.NoError(t, err)
		require.Equal(t, `"1"`, value)
		value, err = late.Render(json.RawMessage(`"${input.id}"`), scope)
		require.NoError(t, err)
		require.Equal(t, int64(1), value)
	}
}

// One program evaluates a poll's `until` for every call of every run.
func TestConcurrentLateCompilesOnce(t *testing.T) {
	t.Parallel()
	late := job.NewLate()
	compiled := make([]*expr.Expression, 8)
	var all sync.WaitGroup
	for i := range compiled {
		all.Go(func() {
			compiled[i], _ = late.Condition(strings.Clone("${output.state == 'READY'}"))
		})
	}
	all.Wait()
	require.NotNil(t, compiled[0])
	for _, one := range compiled {
		require.Same(t, compiled[0], one)
	}
}

func TestLateForgetsWhatIsIdle(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		others int
		other  string
	}{
		"many":        {others: 4200, other: "x"},
		"large":       {others: 6, other: strings.Repeat("x", 100<<10)},
		"expressions": {others: 24, other: strings.Repeat("$${", 700)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			late := job.NewLate()
			used, err := late.Condition("${input.id == 1}")
			require.NoError(t, err)
			idle, err := late.Condition("${input.id == 2}")
			require.NoError(t, err)
			for i := range test.others {
				_, err := late.RenderString(strconv.Itoa(i)+test.other, nil)
				require.NoError(t, err)
				again, err := late.Condition("${input.id == 1}")
				require.NoError(t, err)
				require.Same(t, used, again, "it is in use")
			}
			again, err := late.Condition("${input.id == 2}")
			require.NoError(t, err)
			require.NotSame(t, idle, again)
		})
	}
}

// attemptTexts are the expressions of one call of a poll.
func attemptTexts(b *testing.B, late *job.Late, scope expr.Scope) {
	b.Helper()
	for _, template := range []string{
		`{"method": "POST", "url": "https://api.example/orders/${input.day}", "json": {"rows": "${steps.extract.output.rows}", "by": "${run.id}"}}`,
		`{"state": "${output.state}", "rows": "${output.rows.filter(r, r > 1).size()}"}`,
	} {
		if _, err := late.Render(json.RawMessage(template), scope); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := late.RenderString("${run.id}-${input.day}", scope); err != nil {
		b.Fatal(err)
	}
	for _, condition := range []string{"${output.state == 'READY'}", "${output.state in ['FAILED', 'BROKEN']}"} {
		if _, err := late.Bool(condition, scope); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLate is what one call of a poll costs in expressions, compiled for it
// alone, and kept from the one before.
func BenchmarkLate(b *testing.B) {
	rows := []any{int64(1), int64(2), int64(3)}
	scope := expr.Scope{
		"input": map[string]any{"day": "2026-01-05"}, "run": map[string]any{"id": "run_1"},
		"steps":  map[string]any{"extract": map[string]any{"output": map[string]any{"rows": rows}}},
		"output": map[string]any{"state": "READY", "rows": rows},
	}
	b.Run("anew", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			attemptTexts(b, job.NewLate(), scope)
		}
	})
	b.Run("kept", func(b *testing.B) {
		b.ReportAllocs()
		late := job.NewLate()
		for b.Loop() {
			attemptTexts(b, late, scope)
		}
	})
}
