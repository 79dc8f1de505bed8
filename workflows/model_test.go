package workflows_test

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"pgregory.net/rapid"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/job/jobmodel"
	"github.com/fairlead/fairlead/workflows"
)

// TestRunsFollowTheModel runs random jobs in Temporal's test environment, each of
// their calls as a script says, and compares what is recorded with what the model
// of the language predicts: rounds of a hundred (-rapid.checks) jobs each.
func TestRunsFollowTheModel(t *testing.T) {
	t.Parallel()
	var broken atomic.Bool
	for round := range 4 {
		t.Run(strconv.Itoa(round), func(t *testing.T) {
			t.Parallel()
			t.Cleanup(func() { broken.CompareAndSwap(false, t.Failed()) })
			rapid.Check(t, func(rt *rapid.T) {
				if !broken.Load() || t.Failed() {
					checkRun(t, rt)
				}
			})
		})
	}
}

func checkRun(t *testing.T, rt *rapid.T) {
	t.Helper()
	j, script := jobmodel.Draw(rt, jobmodel.Shape{Steps: 6, Items: 5, Timers: true})
	pause := rapid.SampledFrom([]time.Duration{0, 10 * time.Second, time.Hour}).Draw(rt, "pause")
	want := jobmodel.Predict(j, script)
	if want.Gap < time.Second {
		rt.Skip("too much at once: the environment's clock goes on while an activity runs")
	}
	begun, records := perform(t, rt, j, script, want.Cancel, pause)

	last := records[len(records)-1]
	require.Equal(rt, job.Status(want.Status), last.Status)
	require.Equal(rt, want.Failure, blame(last.Error))
	require.Equal(rt, job.Status(want.Cleanup), last.Cleanup)

	n, m := len(want.Calls), len(want.Undone)
	require.Len(rt, begun, n+m+len(want.Finally))
	require.ElementsMatch(rt, want.Calls, begun[:n], "what is done is done once")
	require.Equal(rt, want.Undone, append([]jobmodel.Unit(nil), begun[n:n+m]...), "the last is undone first")
	require.ElementsMatch(rt, want.Finally, begun[n+m:])
	require.True(rt, slices.IsSortedFunc(begun[n+m:], func(a, b jobmodel.Unit) int { return int(a.Step[1]) - int(b.Step[1]) }))
	compareSteps(rt, want, records)
	compareItems(rt, want, records)
}

// perform runs a job and returns the calls in the order in which they began, and all records.
// A call's first attempt fails, to be tried again when the script has it end.
func perform(t *testing.T, rt *rapid.T, j jobmodel.Job, script jobmodel.Script, cancel, pause time.Duration) (begun []jobmodel.Unit, records []activities.RunRecord) {
	t.Helper()
	var mu sync.Mutex
	b := setup(t)
	b.http = func(ctx context.Context, in activities.Step) (any, error) {
		unit := jobmodel.Unit{Step: in.Step, Item: in.Item}
		does := script.Calls[unit]
		if activity.GetInfo(ctx).Attempt == 1 {
			mu.Lock()
			defer mu.Unlock()
			begun = append(begun, unit)
			return nil, refuse(job.Failure{Code: "later", Retryable: true}, does.After)
		}
		if does.Status != jobmodel.Succeeded {
			return nil, refuse(job.Failure{Code: does.Code}, 0)
		}
		return json.RawMessage(jobmodel.Output(unit)), nil
	}
	if cancel > 0 {
		b.RegisterDelayedCallback(b.CancelWorkflow, cancel)
	}
	file, err := j.File()
	require.NoError(rt, err)
	rt.Logf("%s\n%v, canceled at %v", file, script.Calls, cancel)
	versions, err := job.Load(file)
	require.NoError(rt, err)
	input, err := script.Input()
	require.NoError(rt, err)
	b.ExecuteWorkflow(workflows.TypeRun, workflows.RunInput{
		Run:        activities.Run{ID: "run_1", Team: "default", Job: "model", Version: 1, CreatedAt: b.Now()},
		Definition: versions[0].Canonical, Input: input, Trigger: "api", RecordPause: pause,
	})
	require.True(rt, b.IsWorkflowCompleted())
	require.NotEmpty(rt, b.records, "%v", b.GetWorkflowError())
	return begun, b.records
}

// blame is what an error says that doesn't depend on words.
func blame(failure *job.Failure) jobmodel.Failure {
	if failure == nil {
		return jobmodel.Failure{}
	}
	return jobmodel.Failure{Code: failure.Code, Step: failure.Step, Item: failure.Item}
}

// compareSteps compares what was recorded last of each step.
func compareSteps(t *rapid.T, want jobmodel.Prediction, records []activities.RunRecord) {
	steps, outputs := map[string]activities.StepRecord{}, map[string]string{}
	for _, record := range records {
		for _, step := range record.Steps {
			steps[step.ID] = step
			if step.Output != nil {
				outputs[step.ID] = string(step.Output)
			}
		}
	}
	require.ElementsMatch(t, slices.Collect(maps.Keys(want.Steps)), slices.Collect(maps.Keys(steps)))
	for id, end := range want.Steps {
		got := steps[id]
		require.Equal(t, job.Status(end.Status), got.Status, id)
		require.Equal(t, job.Reason(end.Reason), got.Reason, id)
		require.Equal(t, end.Failure, blame(got.Error), id)
		if end.Items == nil {
			require.Nil(t, got.Items, id)
		} else {
			require.Equal(t, (*activities.ItemCounts)(end.Items), got.Items, id)
		}
		if end.Output != "" {
			require.JSONEq(t, end.Output, outputs[id], id)
		}
	}
}

// compareItems compares what was recorded last of each item.
func compareItems(t *rapid.T, want jobmodel.Prediction, records []activities.RunRecord) {
	items := map[jobmodel.Unit]activities.ItemRecord{}
	for _, record := range records {
		for _, item := range record.Items {
			items[jobmodel.Unit{Step: item.Step, Item: item.Key}] = item
		}
	}
	require.ElementsMatch(t, slices.Collect(maps.Keys(want.Items)), slices.Collect(maps.Keys(items)))
	for unit, end := range want.Items {
		got := items[unit]
		require.Equal(t, job.Status(end.Status), got.Status, unit)
		require.Equal(t, job.Reason(end.Reason), got.Reason, unit)
		require.Equal(t, end.Failure, blame(got.Error), unit)
	}
}
