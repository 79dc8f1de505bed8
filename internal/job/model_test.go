package job_test

import (
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/job/jobmodel"
)

// TestPlansFollowTheModel plays random jobs by their plans: rounds of a hundred
// (-rapid.checks) each, until one fails.
func TestPlansFollowTheModel(t *testing.T) {
	t.Parallel()
	var broken atomic.Bool
	for round := range 200 {
		t.Run(strconv.Itoa(round), func(t *testing.T) {
			t.Parallel()
			if broken.Load() {
				return
			}
			t.Cleanup(func() { broken.CompareAndSwap(false, t.Failed()) })
			rapid.Check(t, func(t *rapid.T) { checkPlans(t, jobmodel.Shape{Steps: 7, Items: 8, Odd: true}) })
		})
	}
}

// TestFilesAreTheirPlans publishes random jobs: what is read from the file is what the plans above are made of.
func TestFilesAreTheirPlans(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		j, script := jobmodel.Draw(t, jobmodel.Shape{Steps: 7, Items: 8, Timers: true})
		file, err := j.File()
		require.NoError(t, err)
		program := open(t, string(file))
		requireSame(t, stepsOf(j.Steps), program.Main.Steps)
		requireSame(t, stepsOf(j.Finally), program.Finally.Steps)
		for _, step := range j.Steps {
			if step.Kind == jobmodel.Group {
				requireSame(t, stepsOf(step.Steps), program.Group(step.ID).Steps)
			}
		}
		input, err := script.Input()
		require.NoError(t, err)
		_, err = program.CheckInput(input)
		require.NoError(t, err)
	})
}

// requireSame compares what planning knows of steps.
func requireSame(t *rapid.T, want, got []job.Step) {
	require.Len(t, got, len(want))
	for i := range want {
		require.Equal(t, want[i].ID, got[i].ID)
		require.Equal(t, want[i].Needs, got[i].Needs, want[i].ID)
		if want[i].Foreach != nil {
			require.Equal(t, want[i].Foreach.Parallel, got[i].Foreach.Parallel)
			require.Equal(t, want[i].Foreach.Tolerate, got[i].Foreach.Tolerate)
		}
	}
}

func checkPlans(t *rapid.T, shape jobmodel.Shape) {
	j, script := jobmodel.Draw(t, shape)
	want := jobmodel.Predict(j, script)
	if want.Gap == 0 {
		t.Skip("things that happen at one instant have no order")
	}
	p := &player{
		T: t, script: script, piecemeal: rapid.Bool().Draw(t, "piecemeal"),
		items: map[jobmodel.Unit]job.StepState{}, steps: map[string]job.StepState{}, listed: map[string]time.Duration{},
	}

	plan := p.play(j.Steps, false, want.Cancel)
	if !p.stopped {
		require.Equal(t, job.Status(want.Status), plan.Outcome)
		require.Equal(t, want.Failure, want.Steps[plan.FailedStep].Failure, "the first failure")
	}
	require.ElementsMatch(t, want.Calls, p.begun, "what is done is done once")

	p.begun, p.stopped = nil, false
	p.play(j.Finally, true, 0)
	require.Equal(t, want.Finally, p.begun, "whatever the outcome, one after the other")

	for _, step := range slices.Concat(j.Steps, j.Finally) {
		require.Contains(t, p.steps, step.ID)
	}
	for id, state := range p.steps { // but for the steps of groups that were never begun
		require.Equal(t, planned(want.Steps[id]), state.Status, id)
		require.Equal(t, want.Steps[id].Reason, string(state.Reason), id)
	}
	for unit, state := range p.items {
		require.Contains(t, want.Items, unit)
		require.Equal(t, planned(want.Items[unit]), state.Status, unit)
		require.Equal(t, want.Items[unit].Reason, string(state.Reason), unit)
	}
	for unit := range want.Items { // those undone too, which nobody plans
		require.True(t, slices.Contains(want.Undone, unit) || p.items[unit].Status != "", unit)
	}
}

// planned is a status before anything is undone: planning ends there.
func planned(end jobmodel.End) job.Status {
	if end.Status == jobmodel.Compensated {
		return job.StatusSucceeded
	}
	return job.Status(end.Status)
}
