package workflows_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/workflows"
)

// strict is a bench that takes a workflow for stuck as soon as the workers do,
// and counts the timers by which workflow tasks end early.
func strict(t *testing.T) (b *bench, pauses func() int) {
	t.Helper()
	b = setup(t)
	b.SetWorkerOptions(worker.Options{DeadlockDetectionTimeout: 8 * time.Second})
	paused := 0
	b.SetOnTimerScheduledListener(func(_ string, d time.Duration) {
		if d == time.Millisecond {
			paused++
		}
	})
	return b, func() int { return paused }
}

// large is a job whose items refer to the output of a step, and that of each item's call.
const large = `
apiVersion: fairlead/v1
name: large
input: {type: object, properties: {list: {type: array}}}
steps:
  - {id: big, uses: http, with: {url: "https://a.example"}}
  - id: each
    foreach: {in: "${input.list}", as: n, parallel: 100, tolerate: "100%"}
    uses: http
    with: {url: "https://a.example/${n}", json: "${steps.big.output}"}
`

// numbers is an input with a list of so many numbers.
func numbers(n int) string { return `{"list": [` + strings.Repeat("1,", n-1) + `1]}` }

func TestItemsMayNotReferToTooMuch(t *testing.T) {
	t.Parallel()
	b, _ := strict(t)
	b.http = func(context.Context, activities.Step) (any, error) { return answered(strings.Repeat("x", 10<<20)), nil }
	last := b.run(large, numbers(job.MaxItems))
	require.Equal(t, job.StatusSucceeded, last.Status, "%v", last.Error)
	require.Len(t, b.calls, 1, "no item is called")
	item := b.items("each")["999"]
	require.Equal(t, job.StatusFailed, item.Status)
	require.Equal(t, "too_large", item.Error.Code)
	require.Contains(t, item.Error.Message, "select what each item needs in `foreach.in`")
}

func TestWhatOneTaskStartsIsBounded(t *testing.T) {
	t.Parallel()
	b, pauses := strict(t)
	b.http = func(_ context.Context, in activities.Step) (any, error) {
		if in.Step == "big" {
			return answered(strings.Repeat("x", 900<<10)), nil
		}
		return nil, nil
	}
	last := b.run(large, numbers(100))
	require.Equal(t, job.StatusSucceeded, last.Status, "%v", last.Error)
	require.Len(t, b.calls, 101)
	require.GreaterOrEqual(t, pauses(), 9, "some 90 MiB, 8 at a time")
}

// skipping is a job whose items have steps that are all skipped.
func skipping(steps int) string {
	var file strings.Builder
	file.WriteString(`
apiVersion: fairlead/v1
name: skipping
input: {type: object, properties: {list: {type: array}}}
steps:
  - id: each
    foreach: {in: "${input.list}", as: n, key: "%/${index}/%2F", parallel: 100}
    steps:
`)
	for i := range steps {
		fmt.Fprintf(&file, "      - {id: s%d, if: \"${n < 0}\", uses: http, with: {url: \"https://a.example\"}}\n", i)
	}
	return file.String()
}

func TestWhatEndsInOneTaskIsBounded(t *testing.T) {
	t.Parallel()
	b, pauses := strict(t)
	b.pause = time.Hour
	last := b.run(skipping(20), numbers(job.MaxItems))
	require.Equal(t, job.StatusSucceeded, last.Status, "%v", last.Error)
	require.GreaterOrEqual(t, pauses(), 20*job.MaxItems/(200+100*20), "a pause for every 200, and what was begun meanwhile")
	require.Equal(t, job.ReasonCondition, b.items("s19")["%/999/%2F"].Reason)

	small, none := strict(t)
	small.run(skipping(2), numbers(10))
	require.Zero(t, none(), "little needs no pause")
}

func TestItemsThatEndAtOnceAreSpread(t *testing.T) {
	t.Parallel()
	b, pauses := strict(t)
	last := b.run(`
apiVersion: fairlead/v1
name: past
input: {type: object, properties: {list: {type: array}}}
steps:
  - {id: each, foreach: {in: "${input.list}", as: n, parallel: 100}, wait: {until: "${timestamp('2020-01-01T00:00:00Z')}"}}
`, numbers(job.MaxItems))
	require.Equal(t, job.StatusSucceeded, last.Status, "%v", last.Error)
	require.GreaterOrEqual(t, pauses(), 5)
	require.GreaterOrEqual(t, len(b.records), 5, "its progress is recorded meanwhile")
}

func TestRunBoundsItsWaits(t *testing.T) {
	t.Parallel()
	b, _ := strict(t)
	var file strings.Builder
	file.WriteString("apiVersion: fairlead/v1\nname: waits\ninput: {type: object, properties: {list: {type: array}}}\nsteps:\n")
	for i := range 11 {
		fmt.Fprintf(&file, "  - {id: s%d, needs: [], foreach: {in: \"${input.list}\", as: n, parallel: 100}, wait: {for: 1h}}\n", i)
	}
	last := b.run(file.String(), numbers(100))
	require.Equal(t, job.StatusSucceeded, last.Status, "%v", last.Error)
	require.Equal(t, 2*time.Hour, last.EndedAt.Sub(last.StartedAt).Round(time.Minute), "what is beyond the bound waits until there is room")
}

func TestWatchLetsGoOfWhatIsOver(t *testing.T) {
	t.Parallel()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.ExecuteWorkflow(func(ctx workflow.Context) ([]int, error) {
		var watch workflows.Watch
		var order []int
		last, settle := workflow.NewFuture(ctx)
		watch.Future(last, func(workflow.Future) { order = append(order, -1) })
		most := 0
		for i := range 1000 {
			done, end := workflow.NewFuture(ctx)
			watch.Future(done, func(workflow.Future) { order = append(order, i) })
			watch.Ending(ctx, func() {})()
			end.SetValue(i)
			watch.Next()
			most = max(most, watch.Held())
		}
		settle.SetValue(nil)
		watch.Next()
		return []int{most, len(order), order[999], order[1000]}, nil
	})
	require.NoError(t, env.GetWorkflowError())
	var got []int
	require.NoError(t, env.GetWorkflowResult(&got))
	require.Equal(t, 1, got[0])
	require.Equal(t, []int{1001, 999, -1}, got[1:])
}
