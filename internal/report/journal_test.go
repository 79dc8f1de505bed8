package report_test

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/joblog"
	"github.com/fairlead/fairlead/internal/report"
)

// The journal on the real parts; what needs none of them is tested in internal/joblog.

func TestS3AwayIsSpooledAndDrained(t *testing.T) {
	t.Parallel()
	down := joblog.New(away(t), rows, nil, quiet())
	up := joblog.New(objects(t), rows, nil, quiet())
	run := submit(t)
	begun := time.Now()
	ref := write(t, down, run, "load", "kept")
	require.Less(t, time.Since(begun), 4*time.Second, "a run never waits for S3 to take a log")

	reader, err := down.Reader(run, joblog.Filter{})
	require.NoError(t, err)
	var records []joblog.Record
	require.Equal(t, job.CodeUnavailable, job.CodeOf(reader.Stored(t.Context(), collect(&records))))
	require.Equal(t, []string{"kept"}, messages(records), "what is spooled can be read")
	require.Equal(t, []string{"kept"}, stored(t, up, run, joblog.Filter{}))

	waiting := joblog.Filter{}
	page, next, err := report.New(rows, down).Page(t.Context(), run.ID, waiting, 0)
	require.NoError(t, err)
	require.Equal(t, []string{"kept"}, messages(page))
	require.NotEmpty(t, next, "there may be more in S3")
	waiting.After = next
	_, _, err = report.New(rows, down).Page(t.Context(), run.ID, waiting, 0)
	require.Equal(t, job.CodeUnavailable, job.CodeOf(err))
	write(t, up, run, "after", "in S3")
	page, next, err = report.New(rows, up).Page(t.Context(), run.ID, waiting, 0)
	require.NoError(t, err)
	require.Equal(t, []string{"in S3"}, messages(page), "what came before is not repeated")
	require.Empty(t, next)

	_, err = down.Drain(t.Context(), 100)
	require.Equal(t, job.CodeUnavailable, job.CodeOf(err))
	moved, err := up.Drain(t.Context(), 100)
	require.NoError(t, err)
	require.Positive(t, moved, "its own at least: where this machine is slow, other tests' may be there")
	keys, err := rows.SpooledKeys(t.Context(), ref.Key, "", 1)
	require.NoError(t, err)
	require.Empty(t, keys)
	require.Equal(t, []string{"kept", "in S3"}, stored(t, up, run, joblog.Filter{}))
}

func TestLiveThenStoredComesOnce(t *testing.T) {
	t.Parallel()
	j := joblog.New(objects(t), rows, live(t, redis(t).Address()), quiet())
	run := submit(t)
	reader, err := j.Reader(run, joblog.Filter{})
	require.NoError(t, err)
	var records []joblog.Record
	w := j.Begin(run, "a", "", 1)
	for i := range 300 { // more than the reader takes at once
		w.Log(slog.LevelInfo, fmt.Sprint(i))
	}
	require.Eventually(t, func() bool {
		return reader.Live(t.Context(), 100*time.Millisecond, collect(&records)) == nil && len(records) == 300
	}, 10*time.Second, time.Millisecond)
	_, err = w.Close(t.Context())
	require.NoError(t, err)
	require.NoError(t, reader.Stored(t.Context(), collect(&records)))
	require.Len(t, records, 300)

	write(t, j, run, "b", "stored first")
	require.NoError(t, reader.Stored(t.Context(), collect(&records)))
	require.NoError(t, reader.Live(t.Context(), 100*time.Millisecond, collect(&records)))
	require.Len(t, records, 301)
	resumed, err := j.Reader(run, joblog.Filter{After: reader.Position()})
	require.NoError(t, err)
	require.NoError(t, resumed.Live(t.Context(), 0, collect(&records)))
	require.NoError(t, resumed.Stored(t.Context(), collect(&records)))
	require.Len(t, records, 301)
}
