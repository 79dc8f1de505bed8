package report_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/joblog"
	"github.com/fairlead/fairlead/internal/report"
	"github.com/fairlead/fairlead/internal/store"
)

// following is a Follow that goes on beside the test.
type following struct {
	entries chan followed
	done    chan error
}

type followed struct{ message, position string }

func follow(t *testing.T, reports *report.Reports, run joblog.Run, filter joblog.Filter) following {
	t.Helper()
	f := following{entries: make(chan followed, 10_000), done: make(chan error, 1)}
	go func() {
		f.done <- reports.Follow(t.Context(), run.ID, filter, func(entry report.Entry) error {
			f.entries <- followed{entry.Message, entry.Position()}
			return nil
		}, func(status job.Status) error {
			f.entries <- followed{message: "asks, " + string(status)}
			return nil
		})
		close(f.entries)
	}()
	return f
}

// next is the next entry's message.
func (f following) next(t *testing.T) followed {
	t.Helper()
	select {
	case entry, open := <-f.entries:
		require.True(t, open, "following has ended")
		return entry
	case <-time.After(30 * time.Second):
		require.Fail(t, "nothing came")
		return followed{}
	}
}

// rest is what comes until following ends.
func (f following) rest(t *testing.T) []string {
	t.Helper()
	var texts []string
	for entry := range f.entries {
		texts = append(texts, entry.message)
	}
	require.NoError(t, <-f.done)
	return texts
}

func TestFollowLive(t *testing.T) {
	t.Parallel()
	j := joblog.New(objects(t), rows, live(t, redis(t).Address()), quiet())
	run := submit(t)
	write(t, j, run, "a", "1")
	f := follow(t, report.New(rows, j), run, joblog.Filter{})
	require.Equal(t, "1", f.next(t).message)
	w := j.Begin(run, "b", "", 1)
	w.Log(slog.LevelInfo, "2")
	second := f.next(t)
	require.Equal(t, "2", second.message, "it comes while its step is running")
	w.Log(slog.LevelInfo, "3")
	require.Equal(t, "3", f.next(t).message)
	_, err := w.Close(t.Context())
	require.NoError(t, err)
	resumed := follow(t, report.New(rows, j), run, joblog.Filter{After: second.position})
	write(t, j, run, "c", "4")
	end(t, run)
	require.Equal(t, []string{"4"}, f.rest(t))
	require.Equal(t, []string{"3", "4"}, resumed.rest(t))
}

// A person is told of what was logged before they were asked, and once for every time.
func TestFollowTellsWhenAPersonIsAsked(t *testing.T) {
	t.Parallel()
	j := joblog.New(objects(t), rows, live(t, redis(t).Address()), quiet())
	run := submit(t)
	rev := int64(0)
	record := func(status job.Status, step, approval string) {
		t.Helper()
		rev++
		require.NoError(t, rows.Record(t.Context(), store.RunRecord{
			Run: run.ID, Rev: rev, Status: status, StartedAt: run.CreatedAt,
			Approvals: []store.ApprovalRecord{{Step: step, Status: approval, RequestedAt: run.CreatedAt.Add(time.Duration(rev) * time.Second), ExpiresAt: run.CreatedAt}},
		}))
	}
	write(t, j, run, "a", "1")
	record(job.StatusWaiting, "first", "pending")
	f := follow(t, report.New(rows, j), run, joblog.Filter{})
	require.Equal(t, "1", f.next(t).message)
	require.Equal(t, "asks, waiting", f.next(t).message)
	record(job.StatusRunning, "first", "approved")
	write(t, j, run, "b", "2")
	require.Equal(t, "2", f.next(t).message, "what goes on is told as before")
	record(job.StatusWaiting, "second", "pending")
	require.Equal(t, "asks, waiting", f.next(t).message)
	stop := errors.New("seen enough")
	require.Equal(t, stop, report.New(rows, j).Follow(t.Context(), run.ID, joblog.Filter{},
		func(report.Entry) error { return nil }, func(job.Status) error { return stop }))
	end(t, run)
	require.Empty(t, f.rest(t))
}

func TestFollowWithoutRedis(t *testing.T) {
	t.Parallel()
	j := joblog.New(objects(t), rows, nil, quiet())
	run := submit(t)
	f := follow(t, report.New(rows, j), run, joblog.Filter{Step: "b"})
	write(t, j, run, "a", "1")
	write(t, j, run, "b", "2")
	require.Equal(t, "2", f.next(t).message, "it comes when its step has ended")
	write(t, j, run, "b", "3")
	end(t, run)
	require.Equal(t, []string{"3"}, f.rest(t))
}

func TestFollowWithoutS3(t *testing.T) {
	t.Parallel()
	j := joblog.New(away(t), rows, live(t, redis(t).Address()), quiet())
	run := submit(t)
	f := follow(t, report.New(rows, j), run, joblog.Filter{})
	w := j.Begin(run, "a", "", 1)
	w.Log(slog.LevelInfo, "1")
	require.Equal(t, "1", f.next(t).message, "it comes while its step is running")
	w.Log(slog.LevelInfo, "2")
	_, err := w.Close(t.Context())
	require.NoError(t, err)
	require.Equal(t, "2", f.next(t).message)
	write(t, j, run, "b", "3")
	require.Equal(t, "3", f.next(t).message)
}

func TestFollowWhileRedisGoes(t *testing.T) {
	t.Parallel()
	r := redis(t)
	j := joblog.New(objects(t), rows, live(t, r.Address()), quiet())
	run := submit(t)
	f := follow(t, report.New(rows, j), run, joblog.Filter{})
	w := j.Begin(run, "a", "", 1)
	w.Log(slog.LevelInfo, "0")
	seen := map[string]int{f.next(t).message: 1}
	require.NoError(t, r.Stop(t.Context()))
	for i := 1; i < 100; i++ {
		w.Log(slog.LevelInfo, fmt.Sprint(i))
	}
	_, err := w.Close(t.Context())
	require.NoError(t, err)
	for len(seen) < 100 {
		seen[f.next(t).message]++
	}
	end(t, run)
	require.Empty(t, f.rest(t), "no record twice")
}

func TestFollowEndsWithItsCaller(t *testing.T) {
	t.Parallel()
	j := joblog.New(objects(t), rows, live(t, redis(t).Address()), quiet())
	reports := report.New(rows, j)
	run := submit(t)
	write(t, j, run, "a", "1")
	gone := errors.New("the client is gone")
	require.Equal(t, gone, reports.Follow(t.Context(), run.ID, joblog.Filter{}, func(report.Entry) error { return gone }, nil))

	ctx, cancel := context.WithCancel(t.Context())
	err := reports.Follow(ctx, run.ID, joblog.Filter{}, func(report.Entry) error {
		cancel()
		return nil
	}, nil)
	require.ErrorIs(t, err, context.Canceled)
}
