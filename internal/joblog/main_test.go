package joblog_test

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/joblog"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// journal is one over objects in memory; internal/report tests it on the real parts.
func journal(objects memory) *joblog.Journal { return joblog.New(objects, noSpool{}, nil, quiet()) }

func newRun(t *testing.T) joblog.Run {
	t.Helper()
	id, err := job.NewRunID()
	require.NoError(t, err)
	return joblog.Run{Team: "finance", ID: id, CreatedAt: time.Date(2026, 1, 5, 23, 59, 0, 0, time.FixedZone("", -3600))}
}

// stored reads what is stored of a run.
func stored(t *testing.T, j *joblog.Journal, run joblog.Run, filter joblog.Filter) []joblog.Record {
	t.Helper()
	reader, err := j.Reader(run, filter)
	require.NoError(t, err)
	var records []joblog.Record
	require.NoError(t, reader.Stored(t.Context(), collect(&records)))
	return records
}

func collect(records *[]joblog.Record) func(joblog.Record) error {
	return func(record joblog.Record) error {
		*records = append(*records, record)
		return nil
	}
}

func messages(records []joblog.Record) []string {
	var texts []string
	for _, record := range records {
		texts = append(texts, record.Message)
	}
	return texts
}

// memory is objects in a map.
type memory map[string][]byte

func (m memory) Put(_ context.Context, key string, body []byte, _ string) error {
	m[key] = bytes.Clone(body)
	return nil
}

func (m memory) Get(_ context.Context, key string) (io.ReadCloser, error) {
	body, ok := m[key]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return io.NopCloser(bytes.NewReader(body)), nil
}

func (m memory) Keys(_ context.Context, prefix string) ([]string, error) {
	var keys []string
	for key := range m {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// noSpool is an empty spool.
type noSpool struct{}

func (noSpool) Spool(context.Context, string, string, []byte) error { return nil }

func (noSpool) SpooledKeys(context.Context, string, string, int) ([]string, error) { return nil, nil }

func (noSpool) Spooled(context.Context, string) ([]byte, error) {
	return nil, job.Errorf(job.CodeNotFound, "empty")
}

func (noSpool) Unspool(context.Context, string) error { return nil }
