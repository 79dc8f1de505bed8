package report_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/fairlead/fairlead/internal/blob"
	"github.com/fairlead/fairlead/internal/devstack"
	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/joblog"
	"github.com/fairlead/fairlead/internal/store"
)

// The package's parts: its tests share them, each with runs of its own.
var (
	rows *store.Store
	s3   *devstack.S3
)

func TestMain(m *testing.M) {
	code, err := run(m)
	if err == nil {
		err = goleak.Find(
			goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
			goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "report-test-")
	if err != nil {
		return 1, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ctx := context.Background()
	postgres, err := devstack.StartPostgres(ctx, dir, 0, quiet())
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, postgres.Stop(ctx)) }()
	if s3, err = devstack.StartS3(ctx, dir, 0, quiet()); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, s3.Stop(ctx)) }()
	url := postgres.URL("fairlead")
	if err := errors.Join(postgres.CreateDatabase(ctx, "fairlead"), store.Migrate(ctx, url)); err != nil {
		return 1, err
	}
	if rows, err = store.Open(ctx, url); err != nil {
		return 1, err
	}
	defer rows.Close()
	_, err = rows.Publish(ctx, store.Publication{Team: "finance", Job: "load", Digest: "sha256:x", Actor: "ana", Activate: true})
	if err != nil {
		return 1, err
	}
	return m.Run(), nil
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// objects is the S3 server's bucket.
func objects(t *testing.T) *blob.Store {
	t.Helper()
	return bucket(t, s3.Endpoint())
}

// away is a bucket that nobody answers for.
func away(t *testing.T) *blob.Store {
	t.Helper()
	return bucket(t, "http://127.0.0.1:1")
}

func bucket(t *testing.T, endpoint string) *blob.Store {
	t.Helper()
	access, secret := s3.Keys()
	b, err := blob.New(t.Context(), blob.Options{
		Endpoint: endpoint, Region: s3.Region(), Bucket: s3.Bucket(), AccessKey: access, SecretKey: secret, PathStyle: true,
	})
	require.NoError(t, err)
	t.Cleanup(b.Close)
	return b
}

// redis is a Redis of the test's own.
func redis(t *testing.T) *devstack.Redis {
	t.Helper()
	r, err := devstack.StartRedis(t.Context(), 0, quiet())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Stop(context.WithoutCancel(t.Context()))) })
	return r
}

func live(t *testing.T, address string) *joblog.Live {
	t.Helper()
	l := joblog.NewLive(address, quiet())
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	return l
}

// submit makes a run that is running.
func submit(t *testing.T) joblog.Run {
	t.Helper()
	id, err := job.NewRunID()
	require.NoError(t, err)
	run, _, err := rows.Submit(t.Context(), store.NewRun{ID: id, Team: "finance", Job: "load", Version: 1})
	require.NoError(t, err)
	return joblog.Run{Team: run.Team, ID: run.ID, CreatedAt: run.CreatedAt}
}

func end(t *testing.T, run joblog.Run) {
	t.Helper()
	require.NoError(t, rows.Record(t.Context(), store.RunRecord{Run: run.ID, Rev: 9, Status: job.StatusSucceeded, EndedAt: time.Now()}))
}

// write logs messages as one execution of a step.
func write(t *testing.T, j *joblog.Journal, run joblog.Run, step string, texts ...string) joblog.Ref {
	t.Helper()
	w := j.Begin(run, step, "", 1)
	for _, text := range texts {
		w.Log(slog.LevelInfo, text)
	}
	ref, err := w.Close(t.Context())
	require.NoError(t, err)
	return ref
}

// stored reads what is stored of a run.
func stored(t *testing.T, j *joblog.Journal, run joblog.Run, filter joblog.Filter) []string {
	t.Helper()
	reader, err := j.Reader(run, filter)
	require.NoError(t, err)
	var records []joblog.Record
	require.NoError(t, reader.Stored(t.Context(), collect(&records)))
	return messages(records)
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
