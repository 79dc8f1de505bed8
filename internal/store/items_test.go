package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/store"
)

// A record may have every item of the longest list there is.
func TestItems(t *testing.T) {
	t.Parallel()
	s := cluster.Store(t)
	publish(t, s, "load", "a")
	run := submit(t, s, newRun(t, "load"))
	record := store.RunRecord{
		Run: run.ID, Rev: 1, Status: job.StatusRunning, StartedAt: began,
		Steps: []store.StepRecord{{ID: "each", Status: job.StatusRunning, Items: &store.ItemCounts{Total: job.MaxItems, Succeeded: 998, Failed: 2}}},
	}
	for i := range job.MaxItems {
		item := store.ItemRecord{Step: "each", Key: fmt.Sprintf("k%d", i), Index: i, Status: job.StatusSucceeded, Attempts: 1, StartedAt: began, EndedAt: began}
		if i%500 == 7 {
			item.Status, item.Error = job.StatusFailed, &job.Failure{Code: "http_status", Message: "\x00", Item: item.Key}
			item.LogKey, item.LogRecords, item.LogSHA256 = "logs/"+item.Key, 3, "abc"
		}
		record.Items = append(record.Items, item)
	}
	require.NoError(t, s.Record(t.Context(), record))

	step, err := s.Step(t.Context(), run.ID, "each")
	require.NoError(t, err)
	require.Equal(t, &store.ItemCounts{Total: 1000, Succeeded: 998, Failed: 2}, step.Items)
	steps, err := s.Steps(t.Context(), run.ID)
	require.NoError(t, err)
	require.Equal(t, step.Items, steps[0].Items)

	next, cursor := 0, ""
	for {
		page, err := s.Items(t.Context(), run.ID, "each", nil, 300, cursor)
		require.NoError(t, err)
		for _, item := range page.Items {
			require.Equal(t, next, item.Index)
			next++
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	require.Equal(t, job.MaxItems, next)

	failed, err := s.Items(t.Context(), run.ID, "each", []job.Status{job.StatusFailed}, 0, "")
	require.NoError(t, err)
	require.Len(t, failed.Items, 2)
	require.Equal(t, store.Item{
		Run: run.ID, Step: "each", Key: "k507", Index: 507, Status: job.StatusFailed, Attempts: 1,
		Error:  &job.Failure{Code: "http_status", Message: "\x00", Item: "k507"},
		LogKey: "logs/k507", LogRecords: 3, LogSHA256: "abc", StartedAt: began, EndedAt: began,
	}, failed.Items[1])

	none, err := s.Items(t.Context(), run.ID, "other", nil, 0, "")
	require.NoError(t, err)
	require.Empty(t, none.Items)
	runs, err := s.Runs(t.Context(), team, store.Filter{}, 1, "")
	require.NoError(t, err)
	require.Empty(t, runs.Next)
	for _, cursor := range []string{"x", "aXRlbXM6eA", "cnVuczox"} { // no base64, items:x, runs:1
		_, err = s.Items(t.Context(), run.ID, "each", nil, 0, cursor)
		requireCode(t, job.CodeMalformed, err)
	}
}

// What had succeeded may be compensated afterwards; nothing else leaves its end.
func TestOnlyCompensationLeavesAnEnd(t *testing.T) {
	t.Parallel()
	s := cluster.Store(t)
	publish(t, s, "load", "a")
	run := submit(t, s, newRun(t, "load"))
	rev := int64(0)
	write := func(status job.Status) {
		t.Helper()
		rev++
		ended := time.Time{}
		if status.Ended() {
			ended = began
		}
		require.NoError(t, s.Record(t.Context(), store.RunRecord{
			Run: run.ID, Rev: rev, Status: job.StatusRunning,
			Steps: []store.StepRecord{{ID: "a", Status: status, EndedAt: ended}},
			Items: []store.ItemRecord{{Step: "a", Key: "k", Status: status, EndedAt: ended}},
		}))
	}
	requireStatus := func(want job.Status) {
		t.Helper()
		step, err := s.Step(t.Context(), run.ID, "a")
		require.NoError(t, err)
		items, err := s.Items(t.Context(), run.ID, "a", nil, 0, "")
		require.NoError(t, err)
		require.Equal(t, []job.Status{want, want}, []job.Status{step.Status, items.Items[0].Status})
	}
	write(job.StatusWaiting)
	requireStatus(job.StatusWaiting)
	for _, next := range []struct{ status, want job.Status }{
		{job.StatusSucceeded, job.StatusSucceeded},
		{job.StatusFailed, job.StatusSucceeded},
		{job.StatusRunning, job.StatusSucceeded},
		{job.StatusCompensated, job.StatusCompensated},
		{job.StatusSucceeded, job.StatusCompensated},
		{job.StatusCanceled, job.StatusCompensated},
	} {
		write(next.status)
		requireStatus(next.want)
	}
}

// A run that was stopped from outside can't name its items and approvals; none stays open.
func TestEndClosesWhatIsOpen(t *testing.T) {
	t.Parallel()
	s := cluster.Store(t)
	publish(t, s, "load", "a")
	run := submit(t, s, newRun(t, "load"))
	approval := func(step, status string) store.ApprovalRecord {
		return store.ApprovalRecord{Step: step, Status: status, RequestedAt: began, ExpiresAt: began}
	}
	require.NoError(t, s.Record(t.Context(), store.RunRecord{
		Run: run.ID, Rev: 1, Status: job.StatusRunning,
		Steps:     []store.StepRecord{{ID: "a", Status: job.StatusSucceeded, EndedAt: began}, {ID: "b", Status: job.StatusRunning}},
		Items:     []store.ItemRecord{{Step: "b", Key: "x", Status: job.StatusRunning}, {Step: "b", Key: "y", Index: 1, Status: job.StatusRunning}},
		Approvals: []store.ApprovalRecord{approval("one", "pending"), approval("two", "pending")},
	}))
	end := store.RunRecord{
		Run: run.ID, Rev: 2, Status: job.StatusFailed, EndedAt: began.Add(time.Hour), Cleanup: job.StatusFailed,
		Steps:     []store.StepRecord{{ID: "b", Status: job.StatusFailed, EndedAt: began}},
		Items:     []store.ItemRecord{{Step: "b", Key: "x", Status: job.StatusFailed, EndedAt: began}},
		Approvals: []store.ApprovalRecord{approval("two", "rejected")},
	}
	require.NoError(t, s.Record(t.Context(), end))
	require.NoError(t, s.Record(t.Context(), end), "again is harmless")

	got, err := s.Run(t.Context(), run.ID)
	require.NoError(t, err)
	require.Equal(t, job.StatusFailed, got.Cleanup)
	items, err := s.Items(t.Context(), run.ID, "b", nil, 0, "")
	require.NoError(t, err)
	require.Equal(t, []job.Status{job.StatusFailed, job.StatusCanceled}, []job.Status{items.Items[0].Status, items.Items[1].Status})
	require.Equal(t, end.EndedAt, items.Items[1].EndedAt)
	for step, want := range map[string]string{"one": "canceled", "two": "rejected"} {
		approval, err := s.Approval(t.Context(), run.ID, step, "")
		require.NoError(t, err)
		require.Equal(t, want, approval.Status)
	}
}
