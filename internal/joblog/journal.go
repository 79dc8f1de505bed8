package joblog

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/fairlead/fairlead/internal/job"
)

// Objects is where logs are kept: S3.
type Objects interface {
	// Put keeps body under key; one that is there already is success.
	Put(ctx context.Context, key string, body []byte, contentType string) error
	// Get opens an object; the error is an [fs.ErrNotExist] when there is none.
	Get(ctx context.Context, key string) (io.ReadCloser, error)
	// Keys lists the keys that begin with prefix.
	Keys(ctx context.Context, prefix string) ([]string, error)
}

// Spool is where a log waits that Objects did not take: Postgres.
type Spool interface {
	Spool(ctx context.Context, team, key string, body []byte) error
	// SpooledKeys lists the keys that begin with prefix and come after another one, in order.
	SpooledKeys(ctx context.Context, prefix, after string, limit int) ([]string, error)
	// Spooled is CodeNotFound once the object was removed.
	Spooled(ctx context.Context, key string) ([]byte, error)
	Unspool(ctx context.Context, key string) error
}

const (
	contentType = "application/gzip"
	putTries    = 3
	// putTimeout bounds all the tries of a small log; a larger one has bytesPerSecond for its size.
	putTimeout     = 2 * time.Second
	bytesPerSecond = 4 << 20
	spoolTimeout   = 5 * time.Second
	// spoolPage is how many keys are listed at a time.
	spoolPage = 500
)

// Journal writes and reads the logs of all runs. It is safe for concurrent use.
type Journal struct {
	objects Objects
	spool   Spool
	live    *Live
	log     *slog.Logger

	zippers sync.Pool // of compressors, for the writers' bodies

	outage   outage // of objects, as this process knows it
	draining sync.Mutex
	refused  string // the key that S3 refused last: the next Drain begins behind it
}

// New returns a journal. A nil live keeps no live copies.
func New(objects Objects, spool Spool, live *Live, log *slog.Logger) *Journal {
	return &Journal{objects: objects, spool: spool, live: live, log: log}
}

// Begin begins the log of one execution of an attempt (from 1) of a step; item is "" outside of a foreach.
func (j *Journal) Begin(run Run, step, item string, attempt int) *Writer {
	id, _ := uuid.NewV7() // it fails without randomness only, and Go's crypto/rand ends the process then
	return &Writer{body: body{zippers: &j.zippers}, journal: j, run: run, step: step, item: item, attempt: attempt, execution: id.String()}
}

// keep puts a log into S3, or into the spool when S3 doesn't take it soon, or
// didn't take others just now: its absence costs few attempts any time.
// CodeUnavailable: neither did.
func (j *Journal) keep(ctx context.Context, team, key string, body []byte) error {
	err := j.outage.ask(ctx, func() error { return j.put(ctx, key, body) })
	if err == nil {
		return nil
	}
	if !errors.Is(err, errOutage) {
		j.log.WarnContext(ctx, "S3 did not take a log: it is spooled, and so are others for a while", "team", team, "key", key, "error", err)
	}
	ctx, cancel := context.WithTimeout(ctx, spoolTimeout)
	defer cancel()
	if spoolErr := j.spool.Spool(ctx, team, key, body); spoolErr != nil {
		return job.Wrap(job.CodeUnavailable, errors.Join(err, spoolErr), "the log could be kept neither in S3 nor in the spool")
	}
	return nil
}

func (j *Journal) put(ctx context.Context, key string, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, putTimeout+time.Duration(len(body))*time.Second/bytesPerSecond)
	defer cancel()
	var err error
	for range putTries {
		if err = j.objects.Put(ctx, key, body, contentType); err == nil || ctx.Err() != nil {
			break
		}
	}
	return err
}

// Drain moves up to limit spooled logs to S3 and returns how many it moved. It
// goes past a log that S3 refuses, gives up when S3 refuses several in a row, and
// begins behind the one that it refused last: none keeps the others from S3.
// Any number of processes may drain at once. CodeUnavailable: S3 refused some.
func (j *Journal) Drain(ctx context.Context, limit int) (int, error) {
	j.draining.Lock()
	defer j.draining.Unlock()
	keys, err := j.drainable(ctx, limit)
	if err != nil {
		return 0, err
	}
	moved, refused := 0, 0
	var problems error
	for _, key := range keys {
		err := j.drain(ctx, key)
		if err == nil {
			moved, refused = moved+1, 0
			continue
		}
		problems, j.refused = errors.Join(problems, err), key
		if refused++; refused == putTries || ctx.Err() != nil {
			break
		}
	}
	if problems != nil {
		return moved, job.Wrap(job.CodeUnavailable, problems, "S3 did not take every spooled log")
	}
	return moved, nil
}

// drainable lists up to limit spooled keys: those behind the one that S3
// refused last, then those from the first one to it.
func (j *Journal) drainable(ctx context.Context, limit int) ([]string, error) {
	keys, err := j.spool.SpooledKeys(ctx, "", j.refused, limit)
	if err != nil || j.refused == "" || len(keys) >= limit {
		return keys, err
	}
	first, err := j.spool.SpooledKeys(ctx, "", "", limit-len(keys))
	if err != nil {
		return nil, err
	}
	for _, key := range first {
		if key <= j.refused {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

func (j *Journal) drain(ctx context.Context, key string) error {
	body, err := j.spool.Spooled(ctx, key)
	if job.CodeOf(err) == job.CodeNotFound { // another process was first
		return nil
	}
	if err != nil {
		return err
	}
	if err := j.put(ctx, key, body); err != nil {
		return err
	}
	return j.spool.Unspool(ctx, key)
}
