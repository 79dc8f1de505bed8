package record_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
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
	mu      sync.Mutex
	records []store.RunRecord
	objects map[string]string
	err     error
	status  job.Status
	failure *job.Failure
	told    []string
	// together is called by everyone who puts an object; nil: nothing is.
	together func()
}

func (p *parts) Record(_ context.Context, r store.RunRecord) error {
	p.records = append(p.records, r)
	return nil
}

func (p *parts) Outcome(context.Context, string) (job.Status, *job.Failure, error) {
	return p.status, p.failure, nil
}

func (p *parts) Put(_ context.Context, key string, body []byte, _ string) error {
	if p.together != nil {
		p.together()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return p.err
	}
	p.objects[key] = string(body)
	return nil
}

func setup() (*parts, *record.Recorder) {
	p := &parts{objects: map[string]string{}}
	return p, record.New(p, p, func(run activities.Run, step, item string, attempt int) record.Log {
		return &log{parts: p, name: fmt.Sprint(run.ID, " ", step, item, " ", attempt, ": ")}
	})
}

// log is the log of an attempt; its text goes to the parts.
type log struct {
	*parts
	name string
}

func (l *log) Log(_ slog.Level, message string, _ ...slog.Attr) {
	l.mu.Lock()
	defer l.mu.Unlock()
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
			{ID: "late", Status: job.StatusTimedOut, Error: &job.Failure{Code: "approval_timeout", Message: "nobody decided"}},
		},
		Items: []activities.ItemRecord{
			{Step: "each", Key: "/eu", Status: job.StatusFailed, Attempts: 3, Error: lost},
			{Step: "each", Key: "/us", Status: job.StatusFailed, Error: lost, Log: activities.Log{Key: "logs/own"}},
		},
	})
	require.NoError(t, err)
	require.ElementsMatch(t, []string{
		"run_1 each/eu 3: failed: worker_lost: no worker answered",
		"run_1 gone 2: failed: worker_lost: no worker answered",
		"run_1 late 1: failed: approval_timeout: nobody decided",
	}, p.told)
	require.Equal(t, "logs/told", p.records[0].Items[0].LogKey)
	require.Equal(t, "logs/own", p.records[0].Items[1].LogKey)
	require.Equal(t, "logs/told", p.records[0].Steps[0].LogKey)
	require.Equal(t, "logs/own", p.records[0].Steps[1].LogKey)
	require.Empty(t, p.records[0].Steps[2].LogKey)
}

func TestFailureIsLoggedOnceWhereItHappened(t *testing.T) {
	t.Parallel()
	p, recorder := setup()
	inner := &job.Failure{Code: "fail", Message: "no rows", Step: "check", Item: "eu"}
	_, err := recorder.Record(t.Context(), activities.RunRecord{
		Run: activities.Run{ID: "run_1"}, Rev: 1, Status: job.StatusRunning,
		Steps: []activities.StepRecord{
			{ID: "load", Status: job.StatusFailed, Error: &job.Failure{Code: "items_failed", Message: "1 of 1", Step: "load", Item: "eu"}},
			{ID: "check", Status: job.StatusFailed, Error: inner},
		},
		Items: []activities.ItemRecord{
			{Step: "load", Key: "eu", Status: job.StatusFailed, Error: inner},
			{Step: "check", Key: "eu", Status: job.StatusFailed, Error: inner},
		},
	})
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"run_1 load 1: failed: items_failed: 1 of 1", "run_1 checkeu 1: failed: fail: no rows"}, p.told)
}

// A record has its time, and a thousand logs may take longer.
func TestFailuresOfManyItemsAreLoggedInPart(t *testing.T) {
	t.Parallel()
	p, recorder := setup()
	in := activities.RunRecord{Run: activities.Run{ID: "run_1"}, Rev: 1, Status: job.StatusRunning, Items: make([]activities.ItemRecord, job.MaxItems)}
	for i := range in.Items {
		in.Items[i] = activities.ItemRecord{Step: "each", Key: fmt.Sprint(i), Index: i, Status: job.StatusFailed, Error: &job.Failure{Code: "expression"}}
	}
	_, err := recorder.Record(t.Context(), in)
	require.NoError(t, err)
	require.Len(t, p.told, 100)
	require.Len(t, p.records[0].Items, job.MaxItems)

	p, recorder = setup()
	in.Items = in.Items[:60]
	for i := range 60 {
		in.Steps = append(in.Steps, activities.StepRecord{ID: fmt.Sprint("s", i), Status: job.StatusFailed, Error: &job.Failure{Code: "expression"}})
	}
	_, err = recorder.Record(t.Context(), in)
	require.NoError(t, err)
	require.Len(t, p.told, 100, "steps and items have one bound")
	require.Len(t, p.records[0].Steps, 60)
}

func TestLargeOutputsArePutTogether(t *testing.T) {
	t.Parallel()
	p, recorder := setup()
	var arrived sync.WaitGroup
	arrived.Add(16)
	p.together = func() { // nobody gets on before the others have come
		arrived.Done()
		arrived.Wait()
	}
	in := activities.RunRecord{Run: activities.Run{ID: "run_1"}, Rev: 1, Status: job.StatusRunning}
	for i := range 16 {
		in.Steps = append(in.Steps, activities.StepRecord{ID: fmt.Sprint("s", i), Output: value(128<<10 + 1)})
	}
	_, err := recorder.Record(t.Context(), in)
	require.NoError(t, err)
	require.Len(t, p.objects, 16)
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
			ID: "load", Position: 2, Status: job.StatusFailed, Reason: job.ReasonUpstream, Attempts: 3, Error: failure,
			Output: json.RawMessage(`1`), Log: activities.Log{Key: "k", Records: 4, SHA256: "s"}, StartedAt: start, EndedAt: start.Add(time.Second),
			Items: &activities.ItemCounts{Total: 2, Succeeded: 1, Failed: 1},
		}},
		Items: []activities.ItemRecord{{
			Step: "load", Key: "eu", Index: 1, Status: job.StatusFailed, Reason: job.ReasonTolerated, Attempts: 2, Error: failure,
			Log: activities.Log{Key: "i", Records: 1, SHA256: "t"}, StartedAt: start, EndedAt: start.Add(time.Second),
		}},
		Approvals: []activities.ApprovalRecord{{
			Step: "ok", Item: "eu", By: []string{"group:a"}, Message: "m", Status: activities.ApprovalApproved, RequestedAt: start,
			ExpiresAt: start.Add(time.Hour), DecidedBy: "bo", DecidedAt: start.Add(time.Minute), Comment: "c",
		}},
		Cleanup: job.StatusFailed,
	})
	require.NoError(t, err)
	require.Equal(t, activities.Recorded{Status: p.status, Error: p.failure}, recorded, "what the row says counts, not what was to be written")
	require.Equal(t, []store.RunRecord{{
		Run: "run_1", Rev: 3, Status: job.StatusFailed, StartedAt: start, EndedAt: start.Add(time.Minute), Error: failure,
		Steps: []store.StepRecord{{
			ID: "load", Position: 2, Status: job.StatusFailed, Reason: job.ReasonUpstream, Attempts: 3, Error: failure,
			Output: json.RawMessage(`1`), LogKey: "k", LogRecords: 4, LogSHA256: "s", StartedAt: start, EndedAt: start.Add(time.Second),
			Items: &store.ItemCounts{Total: 2, Succeeded: 1, Failed: 1},
		}},
		Items: []store.ItemRecord{{
			Step: "load", Key: "eu", Index: 1, Status: job.StatusFailed, Reason: job.ReasonTolerated, Attempts: 2, Error: failure,
			LogKey: "i", LogRecords: 1, LogSHA256: "t", StartedAt: start, EndedAt: start.Add(time.Second),
		}},
		Approvals: []store.ApprovalRecord{{
			Step: "ok", Item: "eu", By: []string{"group:a"}, Message: "m", Status: "approved", RequestedAt: start,
			ExpiresAt: start.Add(time.Hour), DecidedBy: "bo", DecidedAt: start.Add(time.Minute), Comment: "c",
		}},
		Cleanup: job.StatusFailed,
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
