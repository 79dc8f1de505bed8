package joblog

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/fairlead/fairlead/internal/job"
)

// Reader reads a run's log, each record once, from S3, from the spool and from
// the live stream, as often as it is asked to. It is for one goroutine.
type Reader struct {
	journal *Journal
	run     Run
	filter  Filter
	seen    *position
	done    map[string]bool // the objects that were read to their end
	stream  string          // where the live stream was read to
}

// Reader returns a reader that begins at filter.After. CodeMalformed: a filter that can't be read.
func (j *Journal) Reader(run Run, filter Filter) (*Reader, error) {
	if err := filter.check(); err != nil {
		return nil, err
	}
	seen, err := parsePosition(filter.After)
	if err != nil {
		return nil, err
	}
	return &Reader{journal: j, run: run, filter: filter, seen: seen, done: map[string]bool{}, stream: "0"}, nil
}

// Position is for the [Filter.After] of a later reader: it goes on behind what
// this one has seen. Within yield that includes the record at hand.
func (r *Reader) Position() string { return r.seen.String() }

// Stored yields what is in S3 and in the spool and was not seen yet, one
// execution after the other in the order in which they began. An error of
// yield ends it and is returned. CodeUnavailable: S3 is away; what could be read was yielded.
func (r *Reader) Stored(ctx context.Context, yield func(Record) error) error {
	// The spool first: a log that is moved in between is then seen in S3.
	spooled, err := r.spooled(ctx)
	if err != nil {
		return err
	}
	keys, unreachable := r.journal.objects.Keys(ctx, r.prefix())
	keys = append(keys, spooled...)
	slices.SortFunc(keys, func(a, b string) int {
		return cmp.Or(cmp.Compare(executionOf(a), executionOf(b)), cmp.Compare(a, b))
	})
	problems := unreachable
	for _, key := range slices.Compact(keys) {
		if r.done[key] {
			continue
		}
		stopped, err := r.object(ctx, key, yield)
		if stopped {
			return err
		}
		if err == nil {
			r.done[key] = true
		}
		problems = errors.Join(problems, err)
	}
	if problems != nil {
		return job.Wrap(job.CodeUnavailable, problems, "a part of the log can't be read now: try again")
	}
	return nil
}

// prefix is what the keys of the objects begin with that may hold what is asked for.
func (r *Reader) prefix() string {
	if r.filter.Step == "" {
		return r.run.prefix()
	}
	return r.run.prefix() + escape(r.filter.Step) + "/"
}

func (r *Reader) spooled(ctx context.Context) ([]string, error) {
	var keys []string
	for after := ""; ; {
		page, err := r.journal.spool.SpooledKeys(ctx, r.prefix(), after, spoolPage)
		if err != nil {
			return nil, err
		}
		keys = append(keys, page...)
		if len(page) < spoolPage {
			return keys, nil
		}
		after = page[len(page)-1]
	}
}

// object yields one object's records. stopped: yield asked for it.
func (r *Reader) object(ctx context.Context, key string, yield func(Record) error) (stopped bool, err error) {
	body, err := r.open(ctx, key)
	if err != nil {
		return false, err
	}
	defer func() {
		if closed := body.Close(); err == nil {
			err = closed
		}
	}()
	return readRecords(body, func(record Record) error { return r.offer(record, yield) })
}

// open opens an object wherever it is now.
func (r *Reader) open(ctx context.Context, key string) (io.ReadCloser, error) {
	body, err := r.journal.objects.Get(ctx, key)
	if err == nil {
		return body, nil
	}
	spooled, spoolErr := r.journal.spool.Spooled(ctx, key)
	if spoolErr == nil {
		return io.NopCloser(bytes.NewReader(spooled)), nil
	}
	if errors.Is(err, fs.ErrNotExist) && job.CodeOf(spoolErr) == job.CodeNotFound {
		return r.journal.objects.Get(ctx, key) // drained in between
	}
	return nil, err
}

// offer yields a record that matches and was not seen yet.
func (r *Reader) offer(record Record, yield func(Record) error) error {
	if !r.seen.add(record) || !r.filter.match(record) {
		return nil
	}
	return yield(record)
}

// readRecords reads gzip NDJSON. stopped: yield gave the error.
func readRecords(body io.Reader, yield func(Record) error) (stopped bool, err error) {
	unzipped, err := gzip.NewReader(body)
	if err != nil {
		return false, fmt.Errorf("damaged log: %w", err)
	}
	lines := bufio.NewScanner(unzipped)
	lines.Buffer(nil, 2*maxRecord)
	for lines.Scan() {
		record, err := decodeRecord(lines.Bytes())
		if err != nil {
			return false, fmt.Errorf("damaged log: %w", err)
		}
		if err := yield(record); err != nil {
			return true, err
		}
	}
	if err := lines.Err(); err != nil {
		return false, fmt.Errorf("damaged log: %w", err)
	}
	return false, nil
}

// Live yields what is in the live stream and was not seen yet, waiting for a
// first record as long as wait; it returns when it has nothing more. An error
// of yield ends it and is returned. [ErrNoLive].
func (r *Reader) Live(ctx context.Context, wait time.Duration, yield func(Record) error) error {
	for {
		records, next, err := r.journal.live.read(ctx, r.run.ID, r.stream, wait)
		if err != nil {
			return err
		}
		for _, record := range records {
			if err := r.offer(record, yield); err != nil {
				return err
			}
		}
		if next == r.stream {
			return nil
		}
		r.stream, wait = next, 0
	}
}
