package store_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/store"
)

var began = time.Date(2026, 1, 5, 6, 0, 0, 0, time.UTC)

func TestRecord(t *testing.T) {
	t.Parallel()
	s := cluster.Store(t)
	publish(t, s, "load", "a")
	run := submit(t, s, newRun(t, "load"))
	record := store.RunRecord{
		Run: run.ID, Rev: 7, Status: job.StatusFailed, StartedAt: began, EndedAt: began.Add(time.Minute),
		OutputKey: "outputs/x", Error: &job.Failure{Code: "http_status", Message: "503 \x00 \xff", Status: 503, Step: "b"},
		Steps: []store.StepRecord{
			{
				ID: "b", Position: 1, Status: job.StatusFailed, Attempts: 3, StartedAt: began, EndedAt: began.Add(time.Second),
				Error: &job.Failure{Code: "http_status", Message: "no", Retryable: true}, LogKey: "logs/b", LogRecords: 4, LogSHA256: "abc",
			},
			{ID: "a", Status: job.StatusSucceeded, Attempts: 1, Output: json.RawMessage(`{"id": 9007199254740993}`), StartedAt: began},
			{ID: "c", Position: 2, Status: job.StatusSkipped, Reason: job.ReasonUpstream, OutputKey: "outputs/c"},
		},
	}
	require.NoError(t, s.Record(t.Context(), record))

	got, err := s.Run(t.Context(), run.ID)
	require.NoError(t, err)
	require.Equal(t, job.StatusFailed, got.Status)
	require.Equal(t, "503 \x00 \uFFFD", got.Error.Message)
	require.Equal(t, "outputs/x", got.OutputKey)
	require.Equal(t, record.EndedAt, got.EndedAt)

	steps, err := s.Steps(t.Context(), run.ID)
	require.NoError(t, err)
	require.Len(t, steps, 3)
	for i, want := range []string{"a", "b", "c"} {
		require.Equal(t, want, steps[i].ID)
		require.Nil(t, steps[i].Output, "lists omit outputs")
	}
	a, err := s.Step(t.Context(), run.ID, "a")
	require.NoError(t, err)
	require.Equal(t, `{"id": 9007199254740993}`, string(a.Output))
	require.Equal(t, began, a.StartedAt)
	require.True(t, a.EndedAt.IsZero())
	b, err := s.Step(t.Context(), run.ID, "b")
	require.NoError(t, err)
	require.Equal(t, store.Step{
		Run: run.ID, ID: "b", Team: team, Position: 1, Status: job.StatusFailed, Attempts: 3, Rev: 7,
		Error:  &job.Failure{Code: "http_status", Message: "no", Retryable: true},
		LogKey: "logs/b", LogRecords: 4, LogSHA256: "abc", StartedAt: began, EndedAt: began.Add(time.Second),
	}, b)
	require.Equal(t, job.ReasonUpstream, steps[2].Reason)
	for id, want := range map[string]bool{"a": true, "d": false} {
		has, err := s.HasStep(t.Context(), run.ID, id)
		require.NoError(t, err)
		require.Equal(t, want, has, id)
	}

	_, err = s.Step(t.Context(), run.ID, "d")
	requireCode(t, job.CodeNotFound, err)
	requireCode(t, job.CodeNotFound, s.Record(t.Context(), store.RunRecord{Run: "run_none", Rev: 1, Steps: record.Steps}))
}

func TestEndIsFinal(t *testing.T) {
	t.Parallel()
	s := cluster.Store(t)
	publish(t, s, "load", "a")
	run := submit(t, s, newRun(t, "load"))
	write := func(rev int64, status job.Status, code string) {
		t.Helper()
		record := store.RunRecord{Run: run.ID, Rev: rev, Status: status, Error: &job.Failure{Code: code}}
		if status.Ended() {
			record.EndedAt = began
		}
		record.Steps = []store.StepRecord{{ID: "a", Status: status, EndedAt: record.EndedAt, Error: record.Error}}
		require.NoError(t, s.Record(t.Context(), record))
	}
	requireRow := func(rev int64, status job.Status, code string) {
		t.Helper()
		got, err := s.Run(t.Context(), run.ID)
		require.NoError(t, err)
		step, err := s.Step(t.Context(), run.ID, "a")
		require.NoError(t, err)
		require.Equal(t, []any{rev, status, code, rev, status, code},
			[]any{got.Rev, got.Status, got.Error.Code, step.Rev, step.Status, step.Error.Code})
	}
	write(3, job.StatusFailed, "first")
	write(4, job.StatusSucceeded, "other end")
	write(5, job.StatusRunning, "not ended")
	write(2, job.StatusFailed, "older")
	requireRow(3, job.StatusFailed, "first")
	write(3, job.StatusFailed, "first")
	requireRow(3, job.StatusFailed, "first")
	write(6, job.StatusFailed, "same end, newer")
	requireRow(6, job.StatusFailed, "same end, newer")
}

// A workflow task whose worker was killed is tried again with what came since: it
// may say more under the number of its first try.
func TestSameRevMaySeeMore(t *testing.T) {
	t.Parallel()
	s := cluster.Store(t)
	publish(t, s, "load", "a")
	run := submit(t, s, newRun(t, "load"))
	step := func(id string, status job.Status) store.StepRecord {
		return store.StepRecord{ID: id, Status: status, StartedAt: began}
	}
	first := store.RunRecord{Run: run.ID, Rev: 2, Status: job.StatusRunning, StartedAt: began, Steps: []store.StepRecord{
		step("a", job.StatusSucceeded), step("b", job.StatusRunning),
	}}
	second := store.RunRecord{Run: run.ID, Rev: 2, Status: job.StatusSucceeded, StartedAt: began, EndedAt: began.Add(time.Second), Steps: []store.StepRecord{
		step("a", job.StatusSucceeded), step("b", job.StatusSucceeded),
	}}
	require.NoError(t, s.Record(t.Context(), first))
	require.NoError(t, s.Record(t.Context(), second))
	require.NoError(t, s.Record(t.Context(), first), "the killed worker's write may come late")
	status, failure, err := s.Outcome(t.Context(), run.ID)
	require.NoError(t, err)
	require.Equal(t, job.StatusSucceeded, status)
	require.Nil(t, failure)
	_, _, err = s.Outcome(t.Context(), "run_none")
	requireCode(t, job.CodeNotFound, err)
}

// Whatever order a run's records arrive in, and however often, the row ends as the last of them says.
func TestRecordsInAnyOrder(t *testing.T) {
	t.Parallel()
	s := cluster.Store(t)
	publish(t, s, "load", "a")
	rapid.Check(t, func(rt *rapid.T) {
		run := submit(t, s, newRun(t, "load"))
		count := rapid.IntRange(1, 6).Draw(rt, "records")
		steps := rapid.SliceOfN(rapid.SliceOfDistinct(rapid.SampledFrom([]string{"a", "b", "c"}), rapid.ID[string]), count, count).Draw(rt, "steps")
		last := map[string]int{}
		var records []store.RunRecord
		for i := range count {
			record := store.RunRecord{Run: run.ID, Rev: int64(i + 1), Status: job.StatusRunning, StartedAt: began}
			if i == count-1 {
				record.Status, record.EndedAt = job.StatusSucceeded, began.Add(time.Hour)
			}
			for _, id := range steps[i] {
				last[id] = i + 1
				record.Steps = append(record.Steps, store.StepRecord{ID: id, Status: job.StatusRunning, Attempts: i + 1})
			}
			records = append(records, record)
		}
		repeated := append(records, records[rapid.IntRange(0, count-1).Draw(rt, "again")]) //nolint:gocritic // a new slice is meant
		for _, record := range rapid.Permutation(repeated).Draw(rt, "order") {
			require.NoError(rt, s.Record(t.Context(), record))
		}
		got, err := s.Run(t.Context(), run.ID)
		require.NoError(rt, err)
		require.Equal(rt, int64(count), got.Rev)
		require.Equal(rt, job.StatusSucceeded, got.Status)
		kept, err := s.Steps(t.Context(), run.ID)
		require.NoError(rt, err)
		require.Len(rt, kept, len(last))
		for _, step := range kept {
			require.Equal(rt, last[step.ID], step.Attempts)
		}
	})
}
