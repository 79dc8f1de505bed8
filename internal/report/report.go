// Package report reads for the gateway what a run left behind in more than one
// place: its log, from S3, from the spool and from the live stream.
package report

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/joblog"
	"github.com/fairlead/fairlead/internal/store"
)

// Runs says where a run's log is, and whether more of it may come.
type Runs interface {
	// RunState is CodeNotFound when there is no such run.
	RunState(ctx context.Context, id string) (store.RunState, error)
}

// Reports reads for the gateway. It is safe for concurrent use.
type Reports struct {
	runs    Runs
	journal *joblog.Journal
}

// New returns reports over the rows of runs and their logs.
func New(runs Runs, journal *joblog.Journal) *Reports {
	return &Reports{runs: runs, journal: journal}
}

// Entry is a record and where it stands. Its JSON is the record's.
type Entry struct {
	joblog.Record

	reader *joblog.Reader
}

// Position is for [joblog.Filter].After: a later read goes on behind this
// entry, with the same filter. Ask for it inside yield.
func (e Entry) Position() string { return e.reader.Position() }

// MarshalJSON is the record.
func (e Entry) MarshalJSON() ([]byte, error) { return json.Marshal(e.Record) }

// DefaultLimit is a page's size where none is asked for, MaxLimit the largest.
const (
	DefaultLimit = 1_000
	MaxLimit     = 10_000
)

// errFull ends the reading of a page.
var errFull = errors.New("the page is full")

// Page returns up to limit records (0 or less: DefaultLimit) and the
// filter.After of the page behind it, "" when there was no more (yet, while the run goes on).
// While S3 is away a page has what is spooled, and what S3 has comes behind it.
func (r *Reports) Page(ctx context.Context, run string, filter joblog.Filter, limit int) (records []joblog.Record, next string, err error) {
	if limit <= 0 {
		limit = DefaultLimit
	}
	limit = min(limit, MaxLimit)
	records = []joblog.Record{}
	var last Entry
	err = r.Logs(ctx, run, filter, func(entry Entry) error {
		last = entry
		records = append(records, entry.Record)
		if len(records) < limit {
			return nil
		}
		next = entry.Position()
		return errFull
	})
	switch {
	case err == nil, errors.Is(err, errFull):
	case job.CodeOf(err) == job.CodeUnavailable && len(records) > 0:
		next = last.Position()
	default:
		return nil, "", err
	}
	return records, next, nil
}

// Logs yields a run's log as it is now: what is stored, one execution after the
// other in the order in which they ended; then, while the run goes on, what is
// live. Every record comes once. An error of yield ends it and is returned.
// CodeNotFound: no such run. CodeMalformed: the filter. CodeUnavailable: S3 or Postgres is away.
func (r *Reports) Logs(ctx context.Context, run string, filter joblog.Filter, yield func(Entry) error) error {
	reader, ended, err := r.open(ctx, run, filter)
	if err != nil {
		return err
	}
	each := entries(reader, yield)
	missing := reader.Stored(ctx, each)
	if ended || missing != nil && job.CodeOf(missing) != job.CodeUnavailable {
		return missing
	}
	if err := reader.Live(ctx, 0, each); err != nil && !errors.Is(err, joblog.ErrNoLive) {
		return err
	}
	return missing // what isn't live comes with S3, later
}

// open returns a reader of the run's log, and whether the run has ended.
func (r *Reports) open(ctx context.Context, run string, filter joblog.Filter) (*joblog.Reader, bool, error) {
	state, err := r.runs.RunState(ctx, run)
	if err != nil {
		return nil, false, err
	}
	reader, err := r.journal.Reader(joblog.Run{Team: state.Team, ID: run, CreatedAt: state.CreatedAt}, filter)
	return reader, state.Status.Ended(), err
}

func entries(reader *joblog.Reader, yield func(Entry) error) func(joblog.Record) error {
	return func(record joblog.Record) error { return yield(Entry{Record: record, reader: reader}) }
}
