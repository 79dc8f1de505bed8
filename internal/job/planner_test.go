package job_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fairlead/fairlead/internal/job"
)

// graphOf draws a job's steps: ids to needs, in the order of the file. Needs may
// be of later steps; the graph has no circle.
func graphOf(t *rapid.T) (ids []string, needs map[string][]string) {
	n := rapid.IntRange(1, 12).Draw(t, "steps")
	rank := rapid.Permutation(seq(n)).Draw(t, "rank")
	needs = map[string][]string{}
	for i := range n {
		ids = append(ids, fmt.Sprintf("s%d", i))
	}
	for i := range n {
		needs[ids[i]] = []string{}
		for j := range n {
			if rank[j] < rank[i] && rapid.IntRange(0, 3).Draw(t, "edge") == 0 {
				needs[ids[i]] = append(needs[ids[i]], ids[j])
			}
		}
	}
	return ids, needs
}

func seq(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

// programOf publishes and opens a job of these steps.
func programOf(t require.TestingT, ids []string, needs map[string][]string) *job.Program {
	var b strings.Builder
	b.WriteString("apiVersion: fairlead/v1\nname: graph\nsteps:\n")
	for _, id := range ids {
		fmt.Fprintf(&b, "  - {id: %s, needs: [%s], uses: http, with: {url: 'https://a.example'}}\n", id, strings.Join(needs[id], ", "))
	}
	versions, err := job.Load([]byte(b.String()))
	require.NoError(t, err)
	program, err := job.Open(versions[0].Canonical)
	require.NoError(t, err)
	return program
}

// end is how a step may end when it is ready.
var ends = []job.StepState{
	{Status: job.StatusSucceeded},
	{Status: job.StatusSucceeded},
	{Status: job.StatusSucceeded},
	{Status: job.StatusFailed},
	{Status: job.StatusTimedOut},
	{Status: job.StatusSkipped, Reason: job.SkipCondition},
	{Status: job.StatusCanceled},
}

// fate is what becomes of a step in the reference model, which knows how every step would end.
type fate struct {
	runs    bool
	skipped bool
}

// reference decides every step's fate from the sentences of the language alone,
// by looking at each step again and again until nothing changes.
func reference(ids []string, needs map[string][]string, would map[string]job.StepState) map[string]fate {
	fates := map[string]fate{}
	for range ids {
		for _, id := range ids {
			satisfied, lost := true, false
			for _, need := range needs[id] {
				f := fates[need]
				ok := f.runs && (would[need].Status == job.StatusSucceeded || would[need].Status == job.StatusSkipped)
				satisfied = satisfied && ok
				lost = lost || f.skipped || (f.runs && !ok)
			}
			fates[id] = fate{runs: satisfied, skipped: lost}
		}
	}
	return fates
}

func TestNextFollowsTheReferenceModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		ids, needs := graphOf(t)
		program := programOf(t, ids, needs)
		would := map[string]job.StepState{}
		for _, id := range ids {
			would[id] = rapid.SampledFrom(ends).Draw(t, "end")
		}
		states, plan := play(t, program, ids, needs, would)

		var failed []string
		canceled := false
		for id, f := range reference(ids, needs, would) {
			switch {
			case f.skipped:
				require.Equal(t, job.StepState{Status: job.StatusSkipped, Reason: job.SkipUpstream, Order: states[id].Order}, states[id], id)
			case f.runs:
				require.Equal(t, would[id].Status, states[id].Status, id)
				require.Equal(t, would[id].Reason, states[id].Reason, id)
				if would[id].Status == job.StatusFailed || would[id].Status == job.StatusTimedOut {
					failed = append(failed, id)
				}
				canceled = canceled || would[id].Status == job.StatusCanceled
			default:
				t.Fatalf("%s neither runs nor is skipped", id)
			}
		}
		switch {
		case len(failed) > 0:
			require.Equal(t, job.StatusFailed, plan.Outcome)
			slices.SortFunc(failed, func(a, b string) int { return states[a].Order - states[b].Order })
			require.Equal(t, failed[0], plan.FailedStep)
		case canceled:
			require.Equal(t, job.StatusCanceled, plan.Outcome)
			require.Empty(t, plan.FailedStep)
		default:
			require.Equal(t, job.StatusSucceeded, plan.Outcome)
			require.Empty(t, plan.FailedStep)
		}
	})
}

// play runs a job to its end in a drawn order, as a workflow would.
func play(t *rapid.T, program *job.Program, ids []string, needs map[string][]string, would map[string]job.StepState) (map[string]job.StepState, job.Plan) {
	states := map[string]job.StepState{}
	order := 0
	end := func(id string, state job.StepState) {
		order++
		state.Order = order
		states[id] = state
	}
	for range 4 * len(ids) {
		plan := program.Next(states)
		require.Equal(t, plan, program.Next(states), "the same states give the same plan")
		for _, id := range plan.Skip {
			require.Empty(t, states[id].Status)
			end(id, job.StepState{Status: job.StatusSkipped, Reason: job.SkipUpstream})
		}
		for _, id := range plan.Ready {
			require.Empty(t, states[id].Status)
			for _, need := range needs[id] {
				require.True(t, states[need].Status == job.StatusSucceeded || states[need].Reason == job.SkipCondition)
			}
			states[id] = job.StepState{Status: job.StatusRunning}
		}
		if plan.Done {
			return states, plan
		}
		require.Empty(t, plan.Outcome)
		var running []string
		for _, id := range ids {
			if states[id].Status == job.StatusRunning {
				running = append(running, id)
			}
		}
		require.NotEmpty(t, running, "a run that isn't done has something in flight")
		id := rapid.SampledFrom(running).Draw(t, "ends next")
		end(id, would[id])
	}
	t.Fatal("the run never ends")
	return nil, job.Plan{}
}

func TestNext(t *testing.T) {
	t.Parallel()
	// a → b → d, a → c → d; e stands alone.
	ids := []string{"a", "b", "c", "d", "e"}
	needs := map[string][]string{"b": {"a"}, "c": {"a"}, "d": {"b", "c"}}
	program := programOf(t, ids, needs)
	failed := func(order int) job.StepState { return job.StepState{Status: job.StatusFailed, Order: order} }
	done := job.StepState{Status: job.StatusSucceeded}
	running := job.StepState{Status: job.StatusRunning}
	tests := map[string]struct {
		states map[string]job.StepState
		want   job.Plan
	}{
		"at the start":             {nil, job.Plan{Ready: []string{"a", "e"}}},
		"while all run":            {map[string]job.StepState{"a": running, "e": running}, job.Plan{}},
		"after a branching":        {map[string]job.StepState{"a": done, "e": running}, job.Plan{Ready: []string{"b", "c"}}},
		"one need of two":          {map[string]job.StepState{"a": done, "b": done, "c": running, "e": done}, job.Plan{}},
		"independent work goes on": {map[string]job.StepState{"a": failed(1)}, job.Plan{Ready: []string{"e"}, Skip: []string{"b", "c", "d"}, FailedStep: "a"}},
		"one lost need is enough":  {map[string]job.StepState{"a": done, "b": failed(1), "c": running, "e": done}, job.Plan{Skip: []string{"d"}, FailedStep: "b"}},
		"skips alone end it":       {map[string]job.StepState{"a": failed(1), "e": done}, job.Plan{Skip: []string{"b", "c", "d"}, Done: true, Outcome: job.StatusFailed, FailedStep: "a"}},
		"the first failure counts": {
			map[string]job.StepState{"a": done, "b": failed(3), "c": failed(2), "d": {Status: job.StatusSkipped, Reason: job.SkipUpstream}, "e": done},
			job.Plan{Done: true, Outcome: job.StatusFailed, FailedStep: "c"},
		},
		"a condition's skip satisfies": {
			map[string]job.StepState{"a": {Status: job.StatusSkipped, Reason: job.SkipCondition}, "e": done},
			job.Plan{Ready: []string{"b", "c"}},
		},
		"strangers are ignored": {map[string]job.StepState{"x": failed(1), "a": running, "e": running}, job.Plan{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, program.Next(test.states))
		})
	}
}
