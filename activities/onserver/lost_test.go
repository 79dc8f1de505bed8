package onserver_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/activities/jobrun"
	"github.com/fairlead/fairlead/activities/record"
	"github.com/fairlead/fairlead/activities/upkeep"
	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/store"
	"github.com/fairlead/fairlead/workflows"
)

const team = "default"

const nightly = `{apiVersion: fairlead/v1, name: %[1]s, steps: [
  {id: regions, foreach: {in: [eu, us], as: region, key: "${region}"}, steps: [{id: run, uses: job.run, with: {job: %[1]s}}]},
  {id: review, approval: {}}],
 finally: [{id: unlock, uses: http, with: {url: "https://lake.example/lock"}}]}`

// rows is the stack's store, with a job of a name of the test's own.
func rows(t *testing.T, name string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), world.Config().DatabaseURL)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	versions, err := job.Load(fmt.Appendf(nil, nightly, name))
	require.NoError(t, err)
	_, err = s.Publish(t.Context(), store.Publication{
		Team: team, Job: name, Digest: versions[0].Digest, Canonical: versions[0].Canonical, Source: versions[0].Source, Actor: "ana", Activate: true,
	})
	require.NoError(t, err)
	return s
}

// begin makes a run that has a workflow, in which nothing happens.
func begin(t *testing.T, s *store.Store, connection client.Client, name string) store.Run {
	t.Helper()
	id, err := job.NewRunID()
	require.NoError(t, err)
	run, _, err := s.Submit(t.Context(), store.NewRun{ID: id, Team: team, Job: name, Version: 1, Trigger: store.Trigger{Kind: "api", By: "ana"}, Started: true})
	require.NoError(t, err)
	w := worker.New(connection, t.Name(), worker.Options{})
	w.RegisterWorkflowWithOptions(func(ctx workflow.Context) error {
		return workflow.Await(ctx, func() bool { return false })
	}, workflow.RegisterOptions{Name: "Wait"})
	require.NoError(t, w.Start())
	t.Cleanup(w.Stop)
	_, err = connection.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: workflows.RunID(team, id), TaskQueue: t.Name()}, "Wait")
	require.NoError(t, err)
	return run
}

// A run that is terminated between its child's row and its child's workflow
// leaves nothing open: its row, then the child's, are ended by the sweep.
func TestTerminatedRunsLeaveNothingOpen(t *testing.T) {
	t.Parallel()
	const name = "lost-parent"
	connection := dial(t)
	s := rows(t, name)
	parent := begin(t, s, connection, name)
	require.NoError(t, s.Record(t.Context(), store.RunRecord{
		Run: parent.ID, Rev: 1, Status: job.StatusWaiting, StartedAt: parent.CreatedAt,
		Steps: []store.StepRecord{
			{ID: "regions", Position: 0, Status: job.StatusRunning, Items: &store.ItemCounts{Total: 2}},
			{ID: "run", Position: 1, Status: job.StatusRunning, Items: &store.ItemCounts{Total: 2}},
			{ID: "review", Position: 2, Status: job.StatusWaiting},
		},
		Items:     []store.ItemRecord{{Step: "run", Key: "eu", Status: job.StatusRunning, Attempts: 1}},
		Approvals: []store.ApprovalRecord{{Step: "review", Status: activities.ApprovalPending, RequestedAt: parent.CreatedAt, ExpiresAt: parent.CreatedAt.Add(time.Hour)}},
	}))
	kept := keep(t, s, parent)
	sweeper := upkeep.New(upkeep.Parts{
		Runs: s, Workflows: connection, WorkflowID: workflows.RunID, Log: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return time.Now().Add(2 * time.Minute) }, // old enough to be looked for
	})
	lost := func() map[string]activities.RunRecord {
		found, err := sweeper.FindLost(t.Context())
		require.NoError(t, err)
		records := map[string]activities.RunRecord{}
		for _, run := range found.Runs {
			records[run.Record.Run.ID] = run.Record
		}
		return records
	}
	require.NotContains(t, lost(), parent.ID)
	require.NotContains(t, lost(), kept, "its parent may still start it")

	require.NoError(t, connection.TerminateWorkflow(t.Context(), workflows.RunID(team, parent.ID), "", "by hand"))
	recorder := record.New(s, nil, nil)
	for _, id := range []string{parent.ID, kept} {
		var ending activities.RunRecord
		require.Eventually(t, func() bool { ending = lost()[id]; return ending.Run.ID == id }, 10*time.Second, 50*time.Millisecond)
		_, err := recorder.Record(t.Context(), ending)
		require.NoError(t, err)
		requireOver(t, s, id)
	}
	require.Empty(t, lost()[kept].Run.ID)

	_, err := jobrun.New(s, child).Do(t.Context(), call(parent))
	var failed *activities.Failed
	require.ErrorAs(t, err, &failed)
	require.Equal(t, "child_failed", failed.Code)
}

// keep keeps a run for the item eu, and returns its ID.
func keep(t *testing.T, s *store.Store, parent store.Run) string {
	t.Helper()
	output, err := jobrun.New(s, child).Do(t.Context(), call(parent))
	require.NoError(t, err)
	var kept activities.Child
	require.NoError(t, json.Unmarshal(output, &kept))
	return kept.Run.ID
}

func call(parent store.Run) activities.Call {
	return activities.Call{
		Run:  activities.Run{ID: parent.ID, Team: team, Job: parent.Job, Version: 1, By: "ana"},
		Step: "run", Item: "eu", With: json.RawMessage(`{"job": "` + parent.Job + `"}`), Log: &outlooks{},
	}
}

func child(run store.Run, _ store.Job, depth int, _ bool) (activities.Child, error) {
	return activities.Child{Run: activities.Run{ID: run.ID, Depth: depth}}, nil
}

// requireOver asserts that nothing of a run is open.
func requireOver(t *testing.T, s *store.Store, id string) {
	t.Helper()
	run, err := s.Run(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, job.StatusFailed, run.Status)
	require.Equal(t, "terminated_outside", run.Error.Code)
	steps, err := s.Steps(t.Context(), id)
	require.NoError(t, err)
	var ids []string
	for _, step := range steps {
		ids = append(ids, step.ID)
		require.Equal(t, job.StatusCanceled, step.Status)
		items, err := s.Items(t.Context(), id, step.ID, nil, 10, "")
		require.NoError(t, err)
		for _, item := range items.Items {
			require.Equal(t, job.StatusCanceled, item.Status)
		}
	}
	require.Equal(t, []string{"regions", "run", "review", "unlock"}, ids)
	approvals, err := s.Approvals(t.Context(), team, store.ApprovalFilter{Run: id}, 10, "")
	require.NoError(t, err)
	for _, approval := range approvals.Items {
		require.Equal(t, activities.ApprovalCanceled, approval.Status)
	}
}
