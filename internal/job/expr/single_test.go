package expr_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/job/expr"
)

var wants = []expr.Want{expr.WantAny, expr.WantBool, expr.WantList, expr.WantTime}

func TestSingleRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		source  string
		want    expr.Want
		message string
	}{
		{"input.tags", expr.WantList, "the list to go through is one expression: write it as ${input.tags}"},
		{"${input.tags} ${input.tags}", expr.WantList, "nothing around it: write ${a + b}"},
		{"", expr.WantList, "the list to go through is one expression, such as ${input.regions}; found nothing"},
		{"2026-01-05T06:00:00Z", expr.WantTime, "write it as ${timestamp('2026-01-05T06:00:00Z')}"},
		{"x", expr.WantAny, "a single value is one expression: write it as ${x}"},
		{"${input.count}", expr.WantList, "the list to go through gives a list; this gives an integer"},
		{"${input.labels}", expr.WantList, "this gives an object; of an object, .map(k, k) is the list of its keys"},
		{"${null}", expr.WantList, "this gives null"},
		{"${input.count}", expr.WantTime, "a time gives a timestamp or RFC 3339 text; this gives an integer"},
		{"${duration('1h')}", expr.WantTime, "this gives a duration"},
		{"${b'x'}", expr.WantTime, "this gives bytes"},
		{"${input.from}", expr.WantBool, "a condition gives true or false; this gives a string"},
		{"${input.?from}", expr.WantTime, "end it with .orValue"},
	} {
		x, problems := typed(t).Single(c.source, c.want)
		require.Nil(t, x, c.source)
		require.Len(t, problems, 1, c.source)
		require.Contains(t, problems[0].Message, c.message)
	}
}

func TestSingleResults(t *testing.T) {
	t.Parallel()
	single := func(source string, want expr.Want) *expr.Expression {
		x, problems := typed(t).Single(source, want)
		require.Empty(t, problems, source)
		return x
	}
	scope := scopeOf(t)

	list, err := single("  ${input.tags}\n", expr.WantList).Value(scope)
	require.NoError(t, err)
	require.Equal(t, []any{"b", "a"}, list)

	for source, want := range map[string]string{
		"${timestamp('2026-01-05T01:00:00+01:00')}": "2026-01-05T00:00:00Z",
		"${'2026-01-05T01:00:00+01:00'}":            "2026-01-05T00:00:00Z",
		"${run.startedAt}":                          "2026-01-31T10:11:12.5Z",
	} {
		moment, err := single(source, expr.WantTime).Time(scope)
		require.NoError(t, err)
		require.Equal(t, want, moment.Format(time.RFC3339Nano))
	}
	for source, want := range map[string]string{
		"${input.from}":   `this gave "2026-01-05"; a day alone is read by date('2026-01-05')`,
		"${input.free.z}": "a time gives a timestamp or RFC 3339 text; this gave an integer",
	} {
		_, err := single(source, expr.WantTime).Time(scope)
		require.ErrorContains(t, err, want)
	}
}

func TestLateCondition(t *testing.T) {
	t.Parallel()
	scope := expr.Scope{"output": map[string]any{"state": "READY"}, "vars": map[string]any{"limit": int64(3)}}
	done, err := expr.LateCondition("${output.state == 'READY'}")
	require.NoError(t, err)
	answer, err := done.Bool(scope)
	require.NoError(t, err)
	require.True(t, answer)

	text, err := expr.LateCondition("${output.state}")
	require.NoError(t, err)
	_, err = text.Bool(scope)
	var failed *expr.EvalError
	require.ErrorAs(t, err, &failed)
	require.Equal(t, "a condition gives true or false; this gave a string", failed.Message)

	for source, want := range map[string]string{"output.state": "write it as ${output.state}", "${1 +}": "ends too early"} {
		none, err := expr.LateCondition(source)
		require.ErrorContains(t, err, want)
		require.Nil(t, none)
	}
}
