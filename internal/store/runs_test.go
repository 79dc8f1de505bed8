package store_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/store"
)

func TestRunsPagesWhileRowsArrive(t *testing.T) {
	t.Parallel()
	s := cluster.Store(t)
	publish(t, s, "load", "a")
	var before []string
	for range 57 {
		before = append(before, submit(t, s, newRun(t, "load")).ID)
	}
	slices.Reverse(before)

	ctx, stop := context.WithCancel(t.Context())
	var arriving sync.WaitGroup
	arriving.Go(func() {
		for ctx.Err() == nil {
			id, _ := job.NewRunID()
			_, _, _ = s.Submit(ctx, store.NewRun{ID: id, Team: team, Job: "load", Version: 1})
		}
	})
	defer arriving.Wait()
	defer stop()

	var seen []string
	for cursor := ""; ; {
		page, err := s.Runs(t.Context(), team, store.Filter{}, 10, cursor)
		require.NoError(t, err)
		for _, run := range page.Items {
			require.Nil(t, run.Input, "lists omit inputs")
			seen = append(seen, run.ID)
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	require.True(t, slices.IsSortedFunc(seen, func(a, b string) int { return strings.Compare(b, a) }))
	require.Len(t, slices.Compact(slices.Clone(seen)), len(seen), "no duplicate")
	require.Equal(t, before, seen[len(seen)-len(before):], "no gap")
}

func TestRunsFilter(t *testing.T) {
	t.Parallel()
	s := cluster.Store(t)
	publish(t, s, "load", "a")
	publish(t, s, "load", "b")
	publish(t, s, "send_mail", "a")
	first := submit(t, s, newRun(t, "load"))
	labeled := newRun(t, "load")
	labeled.Version, labeled.Labels = 2, map[string]string{"owner": "finance", "env": "prod"}
	second := submit(t, s, labeled)
	scheduled := newRun(t, "send_mail")
	scheduled.Trigger.Kind = "schedule"
	third := submit(t, s, scheduled)
	require.NoError(t, s.Record(t.Context(), store.RunRecord{
		Run: third.ID, Rev: 1, Status: job.StatusFailed, EndedAt: time.Now(),
		Error: &job.Failure{Code: "http_status", Message: "Gateway \x00 Timeout 50%"},
	}))
	all := []string{third.ID, second.ID, first.ID}
	tests := []struct {
		name   string
		filter store.Filter
		want   []string
	}{
		{"none", store.Filter{}, all},
		{"job", store.Filter{Job: "load"}, all[1:]},
		{"status", store.Filter{Status: []job.Status{job.StatusFailed, job.StatusSucceeded}}, all[:1]},
		{"trigger", store.Filter{Trigger: "schedule"}, all[:1]},
		{"version", store.Filter{Version: 2}, all[1:2]},
		{"labels", store.Filter{Labels: map[string]string{"env": "prod"}}, all[1:2]},
		{"all labels", store.Filter{Labels: map[string]string{"env": "prod", "owner": "x"}}, nil},
		{"since", store.Filter{Since: second.CreatedAt}, all[:2]},
		{"until", store.Filter{Until: second.CreatedAt}, all[2:]},
		{"query job", store.Filter{Query: "SEND"}, all[:1]},
		{"query error", store.Filter{Query: "timeout 50%"}, all[:1]},
		{"query is no pattern", store.Filter{Query: "l%d"}, nil},
		{"query id", store.Filter{Query: first.ID}, all[2:]},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			page, err := s.Runs(t.Context(), team, test.filter, 0, "")
			require.NoError(t, err)
			var ids []string
			for _, run := range page.Items {
				ids = append(ids, run.ID)
			}
			require.Equal(t, test.want, ids)
		})
	}
	other, err := s.Runs(t.Context(), "other", store.Filter{}, 0, "")
	require.NoError(t, err)
	require.Empty(t, other.Items)
}

func TestCursorsOfOthers(t *testing.T) {
	t.Parallel()
	s := cluster.Store(t)
	publish(t, s, "a", "x")
	publish(t, s, "b", "x")
	jobs, err := s.Jobs(t.Context(), team, 1, "")
	require.NoError(t, err)
	for _, cursor := range []string{"!", "AAAA", jobs.Next} {
		_, err := s.Runs(t.Context(), team, store.Filter{}, 0, cursor)
		requireCode(t, job.CodeMalformed, err)
	}
}

func TestRunState(t *testing.T) {
	t.Parallel()
	s := cluster.Store(t)
	publish(t, s, "load", "a")
	run := submit(t, s, newRun(t, "load"))
	require.NoError(t, s.Record(t.Context(), store.RunRecord{Run: run.ID, Rev: 1, Status: job.StatusSucceeded, EndedAt: time.Now()}))

	state, err := s.RunState(t.Context(), run.ID)
	require.NoError(t, err)
	require.Equal(t, store.RunState{Team: team, Job: "load", Version: 1, CreatedAt: run.CreatedAt, Status: job.StatusSucceeded}, state)
	_, err = s.RunState(t.Context(), "run_x")
	requireCode(t, job.CodeNotFound, err)
}
