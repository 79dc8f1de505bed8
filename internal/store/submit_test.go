package store_test

import (
	"encoding/json"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/store"
)

func TestSubmitOnceAmongMany(t *testing.T) {
	t.Parallel()
	s := cluster.Store(t)
	publish(t, s, "load", "a")
	const callers = 200
	var created atomic.Int32
	ids := make([]string, callers)
	group, ctx := errgroup.WithContext(t.Context())
	for caller := range callers {
		n := newRun(t, "load")
		n.IdempotencyKey = "key"
		group.Go(func() error {
			run, isNew, err := s.Submit(ctx, n)
			if isNew {
				created.Add(1)
			}
			ids[caller] = run.ID
			return err
		})
	}
	require.NoError(t, group.Wait())
	require.EqualValues(t, 1, created.Load())
	for _, id := range ids {
		require.Equal(t, ids[0], id)
	}
	page, err := s.Runs(t.Context(), team, store.Filter{}, 0, "")
	require.NoError(t, err)
	require.Len(t, page.Items, 1)
	entries, err := s.Audit(t.Context(), team, 0, 0)
	require.NoError(t, err)
	require.Len(t, entries, 2, "one publish, one submit")
	require.Equal(t, ids[0], entries[0].Target)
}

func TestSubmitKeys(t *testing.T) {
	t.Parallel()
	s := cluster.Store(t)
	publish(t, s, "load", "a")
	first := newRun(t, "load")
	first.IdempotencyKey = "key"
	run := submit(t, s, first)
	require.Equal(t, job.StatusQueued, run.Status)

	other := newRun(t, "load")
	other.IdempotencyKey, other.RequestHash = "key", "another"
	_, _, err := s.Submit(t.Context(), other)
	requireCode(t, job.CodeIdempotencyMismatch, err)

	submit(t, s, newRun(t, "load")) // no key: a run each
	submit(t, s, newRun(t, "load"))

	again := first
	again.IdempotencyKey = ""
	_, _, err = s.Submit(t.Context(), again)
	requireCode(t, job.CodeConflict, err)
}

func TestSubmitRefused(t *testing.T) {
	t.Parallel()
	s := cluster.Store(t)
	publish(t, s, "load", "a")
	tests := []struct {
		name   string
		change func(*store.NewRun)
		code   job.Code
	}{
		{"no such job", func(n *store.NewRun) { n.Job = "none" }, job.CodeNotFound},
		{"no such version", func(n *store.NewRun) { n.Version = 2 }, job.CodeNotFound},
		{"another team's", func(n *store.NewRun) { n.Team = "other" }, job.CodeNotFound},
		{"a zero byte", func(n *store.NewRun) { n.Trigger.By = "a\x00b" }, job.CodeMalformed},
		{"no UTF-8", func(n *store.NewRun) { n.IdempotencyKey = "\xff" }, job.CodeMalformed},
		{"a zero byte in a label", func(n *store.NewRun) { n.Labels = map[string]string{"a": "\x00"} }, job.CodeMalformed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			n := newRun(t, "load")
			test.change(&n)
			_, created, err := s.Submit(t.Context(), n)
			requireCode(t, test.code, err)
			require.False(t, created)
			_, err = s.Run(t.Context(), n.ID)
			requireCode(t, job.CodeNotFound, err)
		})
	}
}

func TestSubmittedComesBackExactly(t *testing.T) {
	t.Parallel()
	s := cluster.Store(t)
	publish(t, s, "load", "a")
	n := newRun(t, "load")
	n.Input = json.RawMessage("{\"z\": 9007199254740993, \"a\":\"\\u0000 \\ud800\",\"e\":1e400}")
	n.Labels = map[string]string{"owner": "finance"}
	n.Priority = 1
	n.Trigger.Detail = json.RawMessage(`{"z":1,"a":2}`)
	n.Vars = json.RawMessage(`{"z":1,"a":"\u0000"}`)
	submitted := submit(t, s, n)
	got, err := s.Run(t.Context(), n.ID)
	require.NoError(t, err)
	require.Equal(t, submitted, got)
	require.Equal(t, string(n.Input), string(got.Input))
	require.True(t, got.WorkflowStartedAt.IsZero())
	require.True(t, got.EndedAt.IsZero())
}

func TestSweeps(t *testing.T) {
	t.Parallel()
	s := cluster.Store(t)
	publish(t, s, "load", "a")
	var ids []string
	for range 3 {
		ids = append(ids, submit(t, s, newRun(t, "load")).ID)
	}
	require.Equal(t, ids, unstarted(t, s))
	fresh, err := s.Unstarted(t.Context(), 1e12, "", 10) // younger than 1,000 s
	require.NoError(t, err)
	require.Empty(t, fresh)
	behind, err := s.Unstarted(t.Context(), 0, ids[0], 1)
	require.NoError(t, err)
	require.Equal(t, ids[1:2], behind)

	require.NoError(t, s.MarkStarted(t.Context(), ids[0]))
	require.NoError(t, s.MarkStarted(t.Context(), ids[0]))
	require.NoError(t, s.Record(t.Context(), store.RunRecord{Run: ids[1], Rev: 1, Status: job.StatusRunning}))
	require.Equal(t, ids[2:], unstarted(t, s), "a recorded run has a workflow")

	open, err := s.OpenRuns(t.Context(), "", 1)
	require.NoError(t, err)
	require.Len(t, open, 1)
	require.Equal(t, ids[0], open[0].ID)
	open, err = s.OpenRuns(t.Context(), open[0].ID, 10)
	require.NoError(t, err)
	require.Len(t, open, 1)
	require.Equal(t, ids[1], open[0].ID)
}

func TestPreviousEnded(t *testing.T) {
	t.Parallel()
	s := cluster.Store(t)
	publish(t, s, "load", "a")
	publish(t, s, "other", "a")
	var ids []string
	for i, status := range []job.Status{job.StatusFailed, job.StatusCanceled, job.StatusRunning} {
		id := submit(t, s, newRun(t, "load")).ID
		ids = append(ids, id)
		record := store.RunRecord{Run: id, Rev: 1, Status: status}
		if status.Ended() {
			record.EndedAt = submit(t, s, newRun(t, "other")).CreatedAt
		}
		require.NoError(t, s.Record(t.Context(), record), fmt.Sprint(i))
	}
	last := submit(t, s, newRun(t, "load"))
	previous, err := s.PreviousEnded(t.Context(), team, "load", last.ID)
	require.NoError(t, err)
	require.Equal(t, ids[0], previous.ID, "the canceled and the running one are no verdict")
	_, err = s.PreviousEnded(t.Context(), team, "load", ids[0])
	requireCode(t, job.CodeNotFound, err)
}

func unstarted(t *testing.T, s *store.Store) []string {
	t.Helper()
	ids, err := s.Unstarted(t.Context(), 0, "", 10)
	require.NoError(t, err)
	return ids
}

func TestSubmitted(t *testing.T) {
	t.Parallel()
	s := cluster.Store(t)
	publish(t, s, "load", "a")
	n := newRun(t, "load")
	n.IdempotencyKey, n.RequestHash = "key", "hash"
	run := submit(t, s, n)

	_, err := s.Submitted(t.Context(), team, "other", "hash")
	requireCode(t, job.CodeNotFound, err)
	_, err = s.Submitted(t.Context(), "other", "key", "hash")
	requireCode(t, job.CodeNotFound, err)
	_, err = s.Submitted(t.Context(), team, "key", "another")
	requireCode(t, job.CodeIdempotencyMismatch, err)
	got, err := s.Submitted(t.Context(), team, "key", "hash")
	require.NoError(t, err)
	require.Equal(t, run.ID, got.ID)
}

// Who submits a child starts its workflow; the list of a run's children has it.
func TestSubmitChild(t *testing.T) {
	t.Parallel()
	s := cluster.Store(t)
	publish(t, s, "load", "a")
	parent := submit(t, s, newRun(t, "load"))
	n := newRun(t, "load")
	n.Trigger.Kind, n.Trigger.Detail = "job", json.RawMessage(`{"parent":"`+parent.ID+`","step":"call"}`)
	n.Started = true
	child := submit(t, s, n)
	got, err := s.Run(t.Context(), child.ID)
	require.NoError(t, err)
	require.Equal(t, child, got)
	require.Equal(t, []string{parent.ID}, unstarted(t, s))
	page, err := s.Runs(t.Context(), team, store.Filter{Parent: parent.ID}, 0, "")
	require.NoError(t, err)
	require.Len(t, page.Items, 1)
	require.Equal(t, child.ID, page.Items[0].ID)
	page, err = s.Runs(t.Context(), team, store.Filter{Parent: child.ID}, 0, "")
	require.NoError(t, err)
	require.Empty(t, page.Items)
}
