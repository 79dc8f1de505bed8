package record_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/activities/record"
	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/store"
)

// parts are a row and a bucket in memory.
type parts struct {
	records []store.RunRecord
	objects map[string]string
	err     error
	status  job.Status
	failure *job.Failure
	told    []string
}

func (p *parts) Record(_ context.Context, r store.RunRecord) error {
	p.records = append(p.records, r)
	return nil
}

func (p *parts) Outcome(context.Context, string) (job.Status, *job.Failure, error) {
	return p.status, p.failure, nil
}

func (p *parts) Put(_ context.Context, key string, body []byte, _ string) error {
	if p.err != nil {
		return p.err
	}
	p.objects[key] = string(body)
	return nil
}

func setup() (*parts, *record.Recorder) {
	p := &parts{objects: map[string]string{}}
	return p, record.New(p, p, func(run activities.Run, step string, attempt int) record.Log {
		return &log{parts: p, name: fmt.Sprint(run.ID, " ", step, " ", attempt, ": ")}
	})
}

// log is the log of an attempt; its text goes to the parts.
type log struct {
	*parts
	name string
}

func (l *log) Log(_ slog.Level, message string, _ ...slog.Attr) {
	l.told = append(l.told, l.name+message)
}

func (l *log) Close(context.Context) (activities.Log, error) {
	return activities.Log{Key: "logs/told", Records: 1}, nil
}

func TestFailureThatNoAttemptToldIsLogged(t *testing.T) {
	t.Parallel()
	p, recorder := setup()
	lost := &job.Failure{Code: "worker_lost", Message: "no worker answered"}
	_, err := recorder.Record(t.Context(), activities.RunRecord{
		Run: activities.Run{ID: "run_1", Team: "data"}, Rev: 1, Status: job.StatusRunning,
		Steps: []activities.StepRecord{
			{ID: "gone", Status: job.StatusFailed, Attempts: 2, Error: lost},
			{ID: "told", Status: job.StatusFailed, Attempts: 1, Error: lost, Log: activities.Log{Key: "logs/own"}},
			{ID: "unasked", Status: job.StatusCanceled, Error: lost},
		},
	})
	require.NoError(t, err)
	require.Equal(t, []string{"run_1 gone 2: failed: worker_lost: no worker answered"}, p.told)
	require.Equal(t, "logs/told", p.records[0].Steps[0].LogKey)
	require.Equal(t, "logs/own", p.records[0].Steps[1].LogKey)
	require.Empty(t, p.records[0].Steps[2].LogKey)
}

func value(size int) json.RawMessage { return json.RawMessage(`"` + strings.Repeat("x", size-2) + `"`) }

func TestRecordCarriesEverything(t *testing.T) {
	t.Parallel()
	p, recorder := setup()
	start := time.Date(2026, 1, 5, 5, 0, 0, 0, time.UTC)
	failure := &job.Failure{Code: "http_status", Step: "load"}
	p.status, p.failure = job.StatusCanceled, &job.Failure{Code: "canceled"}
	recorded, err := recorder.Record(t.Context(), activities.RunRecord{
		Run: activities.Run{ID: "run_1", Team: "data"}, Rev: 3, Status: job.StatusFailed,
		StartedAt: start, EndedAt: start.Add(time.Minute), Error: failure,
		Steps: []activities.StepRecord{{
			ID: "load", Position: 2, Status: job.StatusFailed, Reason: job.SkipUpstream, Attempts: 3, Error: failure,
			Output: json.RawMessage(`1`), Log: activities.Log{Key: "k", Records: 4, SHA256: "s"}, StartedAt: start, EndedAt: start.Add(time.Second),
		}},
	})
	require.NoError(t, err)
	require.Equal(t, activities.Recorded{Status: p.status, Error: p.failure}, recorded, "what the row says counts, not what was to be written")
	require.Equal(t, []store.RunRecord{{
		Run: "run_1", Rev: 3, Status: job.StatusFailed, StartedAt: start, EndedAt: start.Add(time.Minute), Error: failure,
		Steps: []store.StepRecord{{
			ID: "load", Position: 2, Status: job.StatusFailed, Reason: job.SkipUpstream, Attempts: 3, Error: failure,
			Output: json.RawMessage(`1`), LogKey: "k", LogRecords: 4, LogSHA256: "s", StartedAt: start, EndedAt: start.Add(time.Second),
		}},
	}}, p.records)
}

func TestLargeOutputsGoToS3(t *testing.T) {
	t.Parallel()
	p, recorder := setup()
	in := activities.RunRecord{
		Run: activities.Run{ID: "run_1", Team: "data"}, Rev: 1, Status: job.StatusSucceeded, Output: value(128<<10 + 1),
		Steps: []activities.StepRecord{{ID: "load", Output: value(128<<10 + 1)}, {ID: "small", Output: value(128 << 10)}},
	}
	_, err := recorder.Record(t.Context(), in)
	require.NoError(t, err)
	got := p.records[0]
	require.Nil(t, got.Output)
	require.Regexp(t, `^values/team=data/run=run_1/_output-[0-9a-f]{64}\.json$`, got.OutputKey)
	require.Nil(t, got.Steps[0].Output)
	require.Regexp(t, `^values/team=data/run=run_1/load-[0-9a-f]{64}\.json$`, got.Steps[0].OutputKey)
	require.Equal(t, string(in.Steps[0].Output), p.objects[got.Steps[0].OutputKey])
	require.Len(t, got.Steps[1].Output, 128<<10)
	require.Empty(t, got.Steps[1].OutputKey)

	p.err = errors.New("S3 is away")
	_, err = recorder.Record(t.Context(), in)
	require.ErrorIs(t, err, p.err)
	require.Len(t, p.records, 1, "no row names an object that isn't there")
}
