package report

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/joblog"
	"github.com/fairlead/fairlead/internal/store"
)

const (
	// livePause is how long the live stream is waited for before the run is looked at again.
	livePause = time.Second
	// storedPause is how often S3 is looked at while there is no live stream,
	// liveStoredPause while there is one: what it lost comes then.
	storedPause     = 2 * time.Second
	liveStoredPause = 10 * time.Second
	// patience is how long a part that is away is waited for, one after the other.
	patience = 30 * time.Second
)

// Follow yields a run's log from filter.After on until the run has ended and
// all of it was seen, each record once: live ones as they are written; when
// Redis is away, those of each attempt once it is stored. Whenever the run begins
// to ask a person, asks is told how it stands, behind what was logged until then.
// An error of yield or asks ends it and is returned. CodeNotFound: no such run.
// CodeMalformed: the filter. CodeUnavailable: S3 or Postgres was away for too long.
func (r *Reports) Follow(ctx context.Context, run string, filter joblog.Filter, yield func(Entry) error, asks func(job.Status) error) error {
	reader, _, err := r.open(ctx, run, filter)
	if err != nil {
		return err
	}
	f := follower{runs: r.runs, run: run, reader: reader, asks: asks, healthy: time.Now()}
	f.yield = entries(reader, func(entry Entry) error {
		if err := yield(entry); err != nil {
			return stopError{err}
		}
		return nil
	})
	err = f.follow(ctx)
	if stopped := (stopError{}); errors.As(err, &stopped) {
		return stopped.error
	}
	return err
}

// stopError carries an error of yield past those that are waited out.
type stopError struct{ error }

type follower struct {
	runs    Runs
	run     string
	reader  *joblog.Reader
	yield   func(joblog.Record) error
	asks    func(job.Status) error
	asked   time.Time // what of it was told
	stored  time.Time // when S3 was last read
	healthy time.Time // when everything but Redis was last there
}

func (f *follower) follow(ctx context.Context) error {
	for {
		ended, err := f.round(ctx)
		switch stopped := (stopError{}); {
		case errors.As(err, &stopped), ctx.Err() != nil:
			return errors.Join(err, ctx.Err())
		case err == nil && ended:
			return nil
		case err == nil:
			f.healthy = time.Now()
		case job.CodeOf(err) != job.CodeUnavailable || time.Since(f.healthy) > patience:
			return err
		default:
			pause(ctx, livePause)
		}
	}
}

// round reads what is there now. The run's end is asked for before its log is read: nothing comes behind that.
func (f *follower) round(ctx context.Context) (ended bool, err error) {
	state, err := f.runs.RunState(ctx, f.run)
	if err != nil {
		return false, err
	}
	if state.Status.Ended() {
		return true, f.rest(ctx)
	}
	if err := f.ask(ctx, state); err != nil {
		return false, err
	}
	var missing error
	if time.Since(f.stored) >= liveStoredPause {
		missing = f.read(ctx)
		if missing != nil && job.CodeOf(missing) != job.CodeUnavailable {
			return false, missing
		}
	}
	err = f.reader.Live(ctx, livePause, f.yield)
	if errors.Is(err, joblog.ErrNoLive) {
		pause(ctx, storedPause)
		return false, f.read(ctx)
	}
	return false, cmp.Or(err, missing) // what is live comes also while S3 is away
}

// ask tells that the run asks a person, once for each time that it begins to.
func (f *follower) ask(ctx context.Context, state store.RunState) error {
	if !state.AskedAt.After(f.asked) {
		return nil
	}
	if err := f.rest(ctx); err != nil {
		return err
	}
	f.asked = state.AskedAt
	if err := f.asks(state.Status); err != nil {
		return stopError{err}
	}
	return nil
}

// rest reads all that is there now, waiting for nothing.
func (f *follower) rest(ctx context.Context) error {
	if err := f.reader.Live(ctx, 0, f.yield); err != nil && !errors.Is(err, joblog.ErrNoLive) {
		return err
	}
	return f.reader.Stored(ctx, f.yield)
}

func (f *follower) read(ctx context.Context) error {
	err := f.reader.Stored(ctx, f.yield)
	if err == nil {
		f.stored = time.Now()
	}
	return err
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
