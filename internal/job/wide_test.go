package job_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/job"
)

// Files that are large or deep in the parts of the language: each is refused or
// taken, and none takes more than its share of work.
func TestLoadOfLargeFiles(t *testing.T) {
	t.Parallel()
	const (
		head = `{"apiVersion":"fairlead/v1","name":"large",`
		call = `"uses":"http","with":{"url":"https://a.example"}`
	)
	steps := func(n int, prefix string) string {
		return listed(n, func(i int) string { return fmt.Sprintf(`{"id":"%s%d",%s}`, prefix, i, call) })
	}
	nested := strings.Repeat(`{"id":"g","steps":[`, 40) + `{"id":"a",` + call + `}` + strings.Repeat(`]}`, 40)
	for name, test := range map[string]struct{ source, says string }{
		"steps in groups": {
			head + `"steps":[{"id":"g","steps":[` + steps(600, "a") + `]},{"id":"h","steps":[` + steps(399, "b") + `]}]}`,
			"/steps: the job has 1001 steps, those in groups and in `finally` counted; at most 1000 are allowed",
		},
		"steps of finally": {
			head + `"steps":[` + steps(901, "a") + `],"finally":[` + steps(100, "b") + `]}`, "the job has 1001 steps",
		},
		"items":            {head + `"steps":[{"id":"a","foreach":{"in":[` + strings.Repeat("1,", 1000) + `1],"as":"i"},` + call + `}]}`, "the list has 1001 items; the most is 1000"},
		"groups in groups": {head + `"steps":[` + nested + `]}`, "a group can't be inside a group"},
		"a circle": {
			head + `"steps":[` + listed(1000, func(i int) string {
				return fmt.Sprintf(`{"id":"s%d","needs":["s%d"],"output":"${steps.s%d.output}",%s}`, i, (i+1)%1000, (i+1)%1000, call)
			}) + `]}`, "these steps wait for each other: s0 → s1 →",
		},
		"outputs of outputs": {
			head + `"steps":[` + listed(999, func(i int) string {
				return fmt.Sprintf(`{"id":"s%d","output":{"a":"%s"},%s}`, i, before(i, "${steps.s%d.output}"), call)
			}) + `,{"id":"last","if":"${steps.s998.output.b == 1}",` + call + `}]}`, "`steps.s998.output` has no `b`",
		},
		"a thousand misspelled names": {
			head + `"steps":[` + listed(1000, func(i int) string {
				return fmt.Sprintf(`{"id":"step%d","output":"${steps.stpe%d.output}",%s}`, i, i, call)
			}) + `]}`, "more than 200 problems",
		},
		"a thousand later steps": {
			head + `"steps":[` + listed(1000, func(i int) string {
				return fmt.Sprintf(`{"id":"step%d","output":"${steps.step999.output}",%s}`, i, call)
			}) + `]}`, "more than 200 problems",
		},
		"a thousand kinds": {
			head + `"steps":[` + listed(1000, func(i int) string {
				return fmt.Sprintf(`{"id":"s%d","wait":{},"approval":{"by":"x"},"retry":{},"poll":{}}`, i)
			}) + `]}`, "more than 200 problems",
		},
		"many who decide": {
			head + `"steps":[{"id":"a","approval":{"by":[` + listed(10_000, func(i int) string { return fmt.Sprintf(`"a%d"`, i) }) + `]}}]}`,
			"/steps/0/approval/by: the list has 10000 items; the most is 50",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := job.Load([]byte(test.source))
			var failed *job.Error
			require.ErrorAs(t, err, &failed)
			require.Equal(t, job.CodeInvalidDefinition, failed.Code)
			require.Contains(t, failed.Error(), test.says)
		})
	}
}

// before is a text about the number before i, "" for the first.
func before(i int, format string) string {
	if i == 0 {
		return ""
	}
	return fmt.Sprintf(format, i-1)
}

func TestLoadOfTheDeepest(t *testing.T) {
	t.Parallel()
	const deep = 3_000
	for name, source := range map[string]string{
		"groups":       `{"apiVersion":"fairlead/v1","name":"deep","steps":` + strings.Repeat(`[{"id":"a","steps":`, deep) + `[]` + strings.Repeat(`}]`, deep) + `}`,
		"groups, YAML": "apiVersion: fairlead/v1\nname: deep\nsteps: " + strings.Repeat(`[{id: a, steps: `, deep) + `[]` + strings.Repeat(`}]`, deep) + "\n",
		"arguments":    `{"apiVersion":"fairlead/v1","name":"deep","steps":[{"id":"a","uses":"http","with":{"json":` + strings.Repeat(`[`, 10_000) + strings.Repeat(`]`, 10_000) + `}}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := job.Load([]byte(source))
			require.ErrorContains(t, err, "nest more than 100 deep")
		})
	}
}

func TestLoadOfFiveMegabytes(t *testing.T) {
	t.Parallel()
	_, err := job.Load([]byte("apiVersion: fairlead/v1\nname: large\nsteps: []\n#" + strings.Repeat("x", 5<<20)))
	require.Equal(t, job.CodeTooLarge, job.CodeOf(err))
}
