package workflows_test

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
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
	for round := range 12 {
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
	begun, records, taken := perform(t, rt, j, script, want, pause)

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
	for i, sent := range want.Answers {
		require.Equal(rt, sent.Taken, taken[i], "%+v", sent)
	}
}

// perform runs a job and returns the calls in the order in which they began, the run's
// records, and which of the answers were taken.
func perform(t *testing.T, rt *rapid.T, j jobmodel.Job, script jobmodel.Script, want jobmodel.Prediction, pause time.Duration) (begun []jobmodel.Unit, records []activities.RunRecord, taken []bool) {
	t.Helper()
	b := setup(t)
	family, err := job.Load([]byte(work))
	require.NoError(rt, err)
	p := &performer{script: script, child: family[0].Canonical}
	b.http = p.call
	if want.Cancel > 0 {
		b.RegisterDelayedCallback(b.CancelWorkflow, want.Cancel)
	}
	answers := make([]*answer, len(want.Answers))
	for i, sent := range want.Answers {
		name, arg := workflows.UpdateDecide, any(workflows.Decision{Step: sent.Step, Item: sent.Item, Approved: sent.Approved, By: jobmodel.Person})
		if sent.Callback {
			name, arg = workflows.UpdateCallback, workflows.Callback{Step: sent.Step, Item: sent.Item, Body: json.RawMessage(jobmodel.Output(sent.Unit))}
		}
		answers[i] = b.send(sent.At, name, strconv.Itoa(i), arg)
	}
	file, err := j.File()
	require.NoError(rt, err)
	rt.Logf("%s\n%+v, canceled at %v", file, script, want.Cancel)
	versions, err := job.Load(file)
	require.NoError(rt, err)
	input, err := script.Input()
	require.NoError(rt, err)
	b.ExecuteWorkflow(workflows.TypeRun, workflows.RunInput{
		Run:        activities.Run{ID: "run_1", Team: "default", Job: "model", Version: 1, CreatedAt: b.Now()},
		Definition: versions[0].Canonical, Input: input, Trigger: "api", RecordPause: pause,
	})
	require.True(rt, b.IsWorkflowCompleted())
	for _, record := range b.records {
		if record.Run.ID == "run_1" {
			records = append(records, record)
		}
	}
	require.NotEmpty(rt, records, "%v", b.GetWorkflowError())
	for _, answer := range answers {
		taken = append(taken, answer.accepted && answer.err == nil)
	}
	return p.begun, records, taken
}

// work is a job with one call.
const work = `
apiVersion: fairlead/v1
name: child
timeout: 8784h
steps: [{id: work, uses: http, with: {url: "https://c.example"}, retry: {attempts: 2}}]
output: "${steps.work.output}"
`

// performer does a run's calls as a script says.
type performer struct {
	script jobmodel.Script
	child  json.RawMessage // the definition of every child
	mu     sync.Mutex
	begun  []jobmodel.Unit
}

// call is a call's attempt, of the run or of a child. The first one of a call fails,
// to be tried again when the script has it end; a poll's first ones are too early.
func (p *performer) call(ctx context.Context, in activities.Step) (any, error) {
	unit := jobmodel.Unit{Step: in.Step, Item: in.Item}
	step, item, child := strings.Cut(in.Run.ID, "/")
	if child {
		unit = jobmodel.Unit{Step: step, Item: item}
	}
	does, attempt := p.script.Calls[unit], activity.GetInfo(ctx).Attempt
	if attempt == 1 && !child {
		p.mu.Lock()
		p.begun = append(p.begun, unit)
		p.mu.Unlock()
	}
	calls := int32(2)
	if in.Poll != nil {
		calls = 4
	}
	switch {
	case activity.GetInfo(ctx).ActivityType.Name == activities.JobRun:
		return p.keep(unit)
	case attempt < calls:
		return nil, refuse(job.Failure{Code: "later", Retryable: true}, does.After/time.Duration(calls-1))
	case does.Status != jobmodel.Succeeded:
		return nil, refuse(job.Failure{Code: does.Code}, 0)
	}
	return json.RawMessage(jobmodel.Output(unit)), nil
}

// keep keeps a child whose only call goes as the script says of the step.
func (p *performer) keep(unit jobmodel.Unit) (any, error) {
	run := activities.Run{ID: unit.Step + "/" + unit.Item, Team: "default", Job: "child", Version: 1, Depth: 1}
	start, err := json.Marshal(workflows.RunInput{Run: run, Definition: p.child, Input: json.RawMessage("{}"), Trigger: "job", Silent: true})
	return activities.Child{Run: run, Start: start, Wait: true}, err
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
