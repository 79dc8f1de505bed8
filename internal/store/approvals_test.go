package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/store"
)

func TestApprovals(t *testing.T) {
	t.Parallel()
	s := cluster.Store(t)
	publish(t, s, "load", "a")
	first, second := submit(t, s, newRun(t, "load")), submit(t, s, newRun(t, "load"))
	ask := func(run, step, item string, at time.Time) store.ApprovalRecord {
		asked := store.ApprovalRecord{
			Step: step, Item: item, By: []string{"group:leads", "user:ana"}, Message: "Publish \x00?", Status: "pending",
			RequestedAt: at, ExpiresAt: at.Add(time.Hour),
		}
		require.NoError(t, s.Record(t.Context(), store.RunRecord{Run: run, Rev: 1, Status: job.StatusWaiting, Approvals: []store.ApprovalRecord{asked}}))
		return asked
	}
	ask(first.ID, "review", "eu", began)
	ask(first.ID, "review", "us", began)
	ask(second.ID, "gate", "", began.Add(time.Minute))

	decided := ask(second.ID, "late", "", began.Add(time.Second))
	decided.By, decided.Status, decided.DecidedBy, decided.DecidedAt, decided.Comment = nil, "approved", "bo", began.Add(time.Minute), "fine"
	write := func(record store.ApprovalRecord) {
		t.Helper()
		require.NoError(t, s.Record(t.Context(), store.RunRecord{Run: second.ID, Rev: 2, Status: job.StatusRunning, Approvals: []store.ApprovalRecord{record}}))
	}
	write(decided)
	other := decided
	other.Status = "rejected"
	write(other)
	got, err := s.Approval(t.Context(), second.ID, "late", "")
	require.NoError(t, err)
	kept := decided
	kept.Message, kept.By = "Publish \uFFFD?", []string{}
	require.Equal(t, store.Approval{Run: second.ID, Team: team, Job: "load", ApprovalRecord: kept}, got, "the first decision stands")

	write(decided)
	entries, err := s.Audit(t.Context(), team, 0, 1)
	require.NoError(t, err)
	require.Equal(t, []string{"bo", "approval.approved", second.ID}, []string{entries[0].Actor, entries[0].Action, entries[0].Target})
	require.JSONEq(t, `{"step": "late", "item": "", "comment": "fine"}`, string(entries[0].Detail))
	before, err := s.Audit(t.Context(), team, entries[0].ID, 1)
	require.NoError(t, err)
	require.Equal(t, "run.submit", before[0].Action, "a decision that is recorded again is audited once")

	var names []string
	cursor := ""
	for {
		page, err := s.Approvals(t.Context(), team, store.ApprovalFilter{Status: []string{"pending"}}, 1, cursor)
		require.NoError(t, err)
		for _, approval := range page.Items {
			names = append(names, approval.Step+approval.Item)
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	require.Equal(t, []string{"gate", "reviewus", "revieweu"}, names)
	ofRun, err := s.Approvals(t.Context(), team, store.ApprovalFilter{Run: second.ID}, 0, "")
	require.NoError(t, err)
	require.Len(t, ofRun.Items, 2)
	none, err := s.Approvals(t.Context(), "other", store.ApprovalFilter{}, 0, "")
	require.NoError(t, err)
	require.Empty(t, none.Items)
	_, err = s.Approval(t.Context(), first.ID, "review", "")
	requireCode(t, job.CodeNotFound, err)
	for _, cursor := range []string{"x", "YXBwcm92YWxzOng", "YXBwcm92YWxzOnhcbnkKegp6"} {
		_, err = s.Approvals(t.Context(), team, store.ApprovalFilter{}, 0, cursor)
		requireCode(t, job.CodeMalformed, err)
	}

	state, err := s.RunState(t.Context(), first.ID)
	require.NoError(t, err)
	require.Equal(t, began, state.AskedAt)
	quiet := submit(t, s, newRun(t, "load")).ID
	require.NoError(t, s.Record(t.Context(), store.RunRecord{Run: second.ID, Rev: 3, Status: job.StatusCanceled, EndedAt: began}))
	settled, err := s.Settled(t.Context(), []string{first.ID, second.ID, quiet, "run_none"})
	require.NoError(t, err)
	require.ElementsMatch(t, []string{first.ID, second.ID}, settled, "one asks, one has ended")
	for _, id := range []string{second.ID, quiet} {
		state, err = s.RunState(t.Context(), id)
		require.NoError(t, err)
		require.True(t, state.AskedAt.IsZero())
	}
}
