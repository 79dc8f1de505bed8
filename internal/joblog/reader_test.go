package joblog_test

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/joblog"
)

// write logs messages as one execution.
func write(t *testing.T, j *joblog.Journal, run joblog.Run, step string, attempt int, texts ...string) {
	t.Helper()
	w := j.Begin(run, step, "", attempt)
	for _, text := range texts {
		w.Log(slog.LevelInfo, text)
	}
	_, err := w.Close(t.Context())
	require.NoError(t, err)
}

func TestStoredOrderAndFilter(t *testing.T) {
	t.Parallel()
	j := journal(memory{})
	run := newRun(t)
	write(t, j, run, "z_first", 1, "a", "b")
	write(t, j, run, "a_second", 1, "c")
	write(t, j, run, "a_second", 2, "d")
	write(t, j, run, "a", 1, "e")
	write(t, j, newRun(t), "a", 1, "another run")
	tests := []struct {
		name   string
		filter joblog.Filter
		want   []string
	}{
		{"all", joblog.Filter{}, []string{"a", "b", "c", "d", "e"}},
		{"step", joblog.Filter{Step: "a_second"}, []string{"c", "d"}},
		{"step that begins another's name", joblog.Filter{Step: "a"}, []string{"e"}},
		{"attempt", joblog.Filter{Attempt: 2}, []string{"d"}},
		{"level", joblog.Filter{Level: joblog.LevelWarn}, nil},
		{"query", joblog.Filter{Query: "B"}, []string{"b"}},
		{"no such step", joblog.Filter{Step: "../" + run.ID}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, messages(stored(t, j, run, test.filter)))
		})
	}
	for _, filter := range []joblog.Filter{{Level: "loud"}, {After: "!"}, {After: "AAAA"}} {
		_, err := j.Reader(run, filter)
		require.Equal(t, job.CodeMalformed, job.CodeOf(err))
	}
}

func TestGoOnAfterAnyRecord(t *testing.T) {
	t.Parallel()
	j := journal(memory{})
	run := newRun(t)
	write(t, j, run, "a", 1, "1", "2", "3")
	write(t, j, run, "b", 1, "4", "5")
	enough := errors.New("enough")
	for stop := 1; stop <= 5; stop++ {
		var first []joblog.Record
		var position string
		reader, err := j.Reader(run, joblog.Filter{})
		require.NoError(t, err)
		err = reader.Stored(t.Context(), func(record joblog.Record) error {
			first, position = append(first, record), reader.Position()
			if len(first) == stop {
				return enough
			}
			return nil
		})
		require.ErrorIs(t, err, enough)
		rest := stored(t, j, run, joblog.Filter{After: position})
		require.Equal(t, []string{"1", "2", "3", "4", "5"}, messages(append(first, rest...)))
	}
}

func TestDamagedLogHidesNoOther(t *testing.T) {
	t.Parallel()
	s := memory{}
	j := journal(s)
	run := newRun(t)
	for i, body := range []string{"", "no gzip", "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\x01"} {
		key := joblog.Key(run, "damaged", "", i, time.Now(), "0")
		require.NoError(t, s.Put(t.Context(), key, []byte(body), "application/gzip"))
	}
	write(t, j, run, "whole", 1, "a")
	reader, err := j.Reader(run, joblog.Filter{})
	require.NoError(t, err)
	var records []joblog.Record
	require.Error(t, reader.Stored(t.Context(), collect(&records)))
	require.Equal(t, []string{"a"}, messages(records))
}
