package upkeep_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/store"
)

func TestLostRunsEndEveryOpenStep(t *testing.T) {
	t.Parallel()
	p, sweeper := setup()
	p.canonical = `{"steps": [{"id": "extract", "uses": "http", "compensate": {"uses": "http"}},
		{"id": "load", "foreach": {}, "steps": [{"id": "copy"}, {"id": "check"}]}, {"id": "review", "approval": {}}],
		"finally": [{"id": "unlock"}, {"id": "tell"}]}`
	p.open = []store.Run{run("a", job.StatusWaiting, time.Hour)}
	p.workflows["run/default/a"] = enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED
	p.steps = []store.Step{
		{ID: "extract", Position: 0, Status: job.StatusSucceeded},
		{ID: "load", Position: 1, Status: job.StatusRunning, Items: &store.ItemCounts{Total: 3, Succeeded: 1, Failed: 1}},
		{ID: "copy", Position: 2, Status: job.StatusRunning, Attempts: 4},
		{ID: "review", Position: 4, Status: job.StatusWaiting, StartedAt: now.Add(-time.Minute)},
		{ID: "unlock", Position: 5, Status: job.StatusSkipped},
		{ID: "extract.compensate", Position: 7, Status: job.StatusRunning},
	}
	lost, err := sweeper.FindLost(t.Context())
	require.NoError(t, err)
	require.Len(t, lost.Runs, 1)
	canceled := func(id string, position int) activities.StepRecord {
		return activities.StepRecord{ID: id, Position: position, Status: job.StatusCanceled, EndedAt: closed}
	}
	load, copied, review := canceled("load", 1), canceled("copy", 2), canceled("review", 4)
	load.Items = &activities.ItemCounts{Total: 3, Succeeded: 1, Failed: 1}
	copied.Attempts, review.StartedAt = 4, now.Add(-time.Minute)
	require.Equal(t, []activities.StepRecord{
		load, copied, review, canceled("extract.compensate", 7), canceled("check", 3), canceled("tell", 6),
	}, lost.Runs[0].Record.Steps)
}

func TestLostChildrenAreToldOfAsTheyWereStarted(t *testing.T) {
	t.Parallel()
	p, sweeper := setup()
	p.canonical = `{"steps": [], "notify": [{"on": ["failed"], "to": ["ana@example.com"]}]}`
	loud, silent := child("a_loud", "p_gone"), child("b_silent", "p_gone")
	silent.Trigger.Detail = []byte(`{"parent": "p_gone", "step": "regions", "silent": true}`)
	p.open = []store.Run{loud, silent}
	lost, err := sweeper.FindLost(t.Context())
	require.NoError(t, err)
	require.Len(t, lost.Runs, 2)
	require.NotEmpty(t, lost.Runs[0].Rules)
	require.Empty(t, lost.Runs[1].Rules)
}

// child is a run that its parent has kept, and not started yet.
func child(id, parent string) store.Run {
	kept := run(id, job.StatusQueued, time.Hour)
	kept.Rev, kept.StartedAt = 0, time.Time{}
	kept.Trigger = store.Trigger{Kind: "job", Detail: []byte(`{"parent": "` + parent + `", "step": "regions"}`)}
	return kept
}

func TestChildrenAreLostWithTheirParents(t *testing.T) {
	t.Parallel()
	p, sweeper := setup()
	for id, status := range map[string]job.Status{
		"p_open": job.StatusRunning, "p_waiting": job.StatusWaiting, "p_canceled": job.StatusCanceled, "p_succeeded": job.StatusSucceeded,
	} {
		p.fresh[id] = run(id, status, time.Hour)
	}
	begun := child("f_begun", "p_open")
	begun.Rev = 1
	unreadable := child("g_unreadable", "")
	unreadable.Trigger.Detail = []byte("no JSON")
	p.open = []store.Run{
		child("a_open", "p_open"), child("b_waiting", "p_waiting"), child("c_canceled", "p_canceled"),
		child("d_succeeded", "p_succeeded"), child("e_gone", "p_gone"), begun, unreadable, child("h_runs", "p_canceled"),
	}
	p.workflows["run/default/h_runs"] = enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING
	lost, err := sweeper.FindLost(t.Context())
	require.NoError(t, err)
	got := map[string]string{}
	for _, l := range lost.Runs {
		got[l.Record.Run.ID] = l.Record.Error.Message
		require.Equal(t, "terminated_outside", l.Record.Error.Code)
	}
	const why = "the run was stopped from outside: "
	require.Equal(t, map[string]string{
		"c_canceled":   why + "the run that started it was over before it had begun",
		"d_succeeded":  why + "the run that started it was over before it had begun",
		"e_gone":       why + "the run that started it was over before it had begun",
		"f_begun":      why + "its workflow is not there any more",
		"g_unreadable": why + "its workflow is not there any more",
	}, got)
}
