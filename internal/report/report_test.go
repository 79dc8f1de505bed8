package report_test

import (
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/joblog"
	"github.com/fairlead/fairlead/internal/report"
)

func TestLogsOfARunningRun(t *testing.T) {
	t.Parallel()
	j := joblog.New(objects(t), rows, live(t, redis(t).Address()), quiet())
	reports := report.New(rows, j)
	run := submit(t)
	write(t, j, run, "a", "stored")
	w := j.Begin(run, "b", "", 1)
	w.Log(slog.LevelWarn, "live")
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		records, next, err := reports.Page(t.Context(), run.ID, joblog.Filter{}, 0)
		require.NoError(c, err)
		require.Equal(c, []string{"stored", "live"}, messages(records))
		require.Empty(c, next)
	}, 10*time.Second, 10*time.Millisecond)
	_, err := w.Close(t.Context())
	require.NoError(t, err)
	end(t, run)
	records, _, err := reports.Page(t.Context(), run.ID, joblog.Filter{Level: joblog.LevelWarn}, 0)
	require.NoError(t, err)
	require.Equal(t, []string{"live"}, messages(records))
}

func TestPages(t *testing.T) {
	t.Parallel()
	j := joblog.New(objects(t), rows, nil, quiet())
	reports := report.New(rows, j)
	run := submit(t)
	write(t, j, run, "a", "1", "2", "3")
	write(t, j, run, "b", "4", "5")
	end(t, run)
	var texts []string
	filter := joblog.Filter{}
	for {
		records, next, err := reports.Page(t.Context(), run.ID, filter, 2)
		require.NoError(t, err)
		texts = append(texts, messages(records)...)
		if filter.After = next; next == "" {
			break
		}
	}
	require.Equal(t, []string{"1", "2", "3", "4", "5"}, texts)
}

func TestLogsOfItems(t *testing.T) {
	t.Parallel()
	j := joblog.New(objects(t), rows, live(t, redis(t).Address()), quiet())
	reports := report.New(rows, j)
	run := submit(t)
	items := []string{"eu", "../eu", "é🙂 /", strings.Repeat("🙂", 200)}
	for _, item := range items {
		for _, step := range []string{"load", "load.compensate"} {
			w := j.Begin(run, step, item, 1)
			w.Log(slog.LevelInfo, step+" "+item)
			_, err := w.Close(t.Context())
			require.NoError(t, err)
		}
	}
	write(t, j, run, "load", "no item")
	w := j.Begin(run, "load", "eu", 2)
	w.Log(slog.LevelInfo, "live")
	for _, item := range items[1:] {
		records, _, err := reports.Page(t.Context(), run.ID, joblog.Filter{Item: item}, 0)
		require.NoError(t, err)
		require.Equal(t, []string{"load " + item, "load.compensate " + item}, messages(records))
		require.Equal(t, item, records[0].Item)
	}
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		records, _, err := reports.Page(t.Context(), run.ID, joblog.Filter{Step: "load", Item: "eu"}, 0)
		require.NoError(c, err)
		require.Equal(c, []string{"load eu", "live"}, messages(records))
	}, 10*time.Second, 10*time.Millisecond)
}

func TestEntryIsItsRecord(t *testing.T) {
	t.Parallel()
	j := joblog.New(objects(t), rows, nil, quiet())
	run := submit(t)
	write(t, j, run, "a", "<1>")
	err := report.New(rows, j).Logs(t.Context(), run.ID, joblog.Filter{}, func(entry report.Entry) error {
		got, err := json.Marshal(entry)
		require.NoError(t, err)
		want, err := json.Marshal(entry.Record)
		require.NoError(t, err)
		require.JSONEq(t, string(want), string(got))
		return nil
	})
	require.NoError(t, err)
}

func TestRefused(t *testing.T) {
	t.Parallel()
	reports := report.New(rows, joblog.New(objects(t), rows, nil, quiet()))
	down := report.New(rows, joblog.New(away(t), rows, nil, quiet()))
	run := submit(t)
	_, _, err := reports.Page(t.Context(), "run_none", joblog.Filter{}, 0)
	require.Equal(t, job.CodeNotFound, job.CodeOf(err))
	_, _, err = reports.Page(t.Context(), run.ID, joblog.Filter{After: "?"}, 0)
	require.Equal(t, job.CodeMalformed, job.CodeOf(err))
	_, _, err = down.Page(t.Context(), run.ID, joblog.Filter{}, 0)
	require.Equal(t, job.CodeUnavailable, job.CodeOf(err))
	require.Equal(t, job.CodeNotFound, job.CodeOf(reports.Follow(t.Context(), "run_none", joblog.Filter{}, nil, nil)))
}
