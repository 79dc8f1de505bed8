package job_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/job"
)

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

func TestNextOfABlockThatHasNotBegun(t *testing.T) {
	t.Parallel()
	block := programOf(t, []string{"a", "b"}, nil).Main
	require.Equal(t, job.Plan{Ready: []string{"a", "b"}}, block.Next(nil))
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
			map[string]job.StepState{"a": done, "b": failed(3), "c": failed(2), "d": {Status: job.StatusSkipped, Reason: job.ReasonUpstream}, "e": done},
			job.Plan{Done: true, Outcome: job.StatusFailed, FailedStep: "c"},
		},
		"a condition's skip satisfies": {
			map[string]job.StepState{"a": {Status: job.StatusSkipped, Reason: job.ReasonCondition}, "e": done},
			job.Plan{Ready: []string{"b", "c"}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, program.Main.Next(placed(program.Main, test.states)))
		})
	}
}

// placed are states by the steps' places.
func placed(block *job.Block, states map[string]job.StepState) []job.StepState {
	by := make([]job.StepState, len(block.Steps))
	for id, state := range states {
		by[block.Place(id)] = state
	}
	return by
}
