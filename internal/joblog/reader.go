package joblog

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"math"
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
	from    string                 // the position's `until` at the beginning: nothing up to there is read
	done    map[string]executionID // the objects that were read to their end
	folded  map[string]bool        // the executions that `until` stands for, as they are in keys
	listed  bool                   // folded has those up to `from`
	stream  string                 // where the live stream was read to
	away    bool                   // S3 did not answer in this reading: no object of it is asked for again
}

// Reader returns a reader that begins at filter.After. CodeMalformed: a filter that can't be read.
func (j *Journal) Reader(run Run, filter Filter) (*Reader, error) {
	if err := filter.check(); err != nil {
		return nil, err
	}
	seen := newPosition(run, filter)
	if filter.After != "" {
		if err := seen.parse(filter.After); err != nil {
			return nil, err
		}
	}
	return &Reader{
		journal: j, run: run, filter: filter, seen: seen, from: seen.until,
		done: map[string]executionID{}, folded: map[string]bool{}, stream: "0",
	}, nil
}

// Position is for the [Filter.After] of a later reader: it goes on behind what
// this one has seen. Within yield that includes the record at hand.
func (r *Reader) Position() string { return r.seen.String() }

// Stored yields what is in S3 and in the spool and was not seen yet, one
// execution after the other in the order in which they ended. An error of
// yield ends it and is returned. CodeUnavailable: S3 is away; what could be read was yielded.
func (r *Reader) Stored(ctx context.Context, yield func(Record) error) error {
	settled := time.Now().Add(-settling)
	keys, problems, err := r.keys(ctx)
	if err != nil {
		return err
	}
	var read []string // those in front, without a gap
	for _, key := range keys {
		if _, ok := r.done[key]; !ok {
			if problems != nil && r.seen.full() {
				break // nothing can be folded behind what can't be read
			}
			stopped, err := r.object(ctx, key, yield)
			if stopped {
				return err
			}
			problems = errors.Join(problems, err)
		}
		if problems == nil {
			read = r.fold(append(read, key), settled)
		}
	}
	if problems != nil {
		return unavailable(problems)
	}
	return nil
}

// fold takes objects that were read out of the listing of the position, from the
// first one on: those that nothing can come before any more, and as many more as
// its bound asks for. It returns the others.
func (r *Reader) fold(read []string, settled time.Time) []string {
	for len(read) > 0 && (endOf(read[0]).Before(settled) || r.seen.full()) {
		r.seen.fold(r.done[read[0]], orderOf(read[0]))
		r.folded[executionOf(read[0])] = true
		read = read[1:]
	}
	return read
}

// keys lists the objects behind the position that the reader began at, in order.
// unreachable: S3 is away, and those that are spooled are all.
func (r *Reader) keys(ctx context.Context) (keys []string, unreachable, err error) {
	// The spool first: a log that is moved in between is then seen in S3.
	spooled, err := r.spooled(ctx)
	if err != nil {
		return nil, nil, err
	}
	keys, unreachable = r.stored(ctx)
	keys = r.filter.of(append(keys, spooled...))
	slices.SortFunc(keys, func(a, b string) int {
		return cmp.Or(cmp.Compare(orderOf(a), orderOf(b)), cmp.Compare(a, b))
	})
	first := 0
	for first < len(keys) && orderOf(keys[first]) <= r.from {
		r.folded[executionOf(keys[first])] = true
		first++
	}
	r.listed = r.listed || unreachable == nil
	return slices.Compact(keys[first:]), unreachable, nil
}

// stored lists what is in S3.
func (r *Reader) stored(ctx context.Context) (keys []string, err error) {
	err = r.journal.outage.ask(ctx, func() error {
		keys, err = r.journal.objects.Keys(ctx, r.prefix())
		return err
	})
	r.away = err != nil
	return keys, err
}

// prefix is what the keys of the objects begin with that may hold what is asked for.
func (r *Reader) prefix() string {
	if r.filter.Step == "" {
		return r.run.prefix()
	}
	return r.run.prefix() + folder(r.filter.Step, r.filter.Item)
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
	var id executionID
	stopped, err = readRecords(body, func(record Record) error {
		id = identify(record)
		return r.offer(record, math.MaxInt, yield)
	})
	if err == nil {
		r.done[key] = id
	}
	return stopped, err
}

// open opens an object wherever it is now.
func (r *Reader) open(ctx context.Context, key string) (io.ReadCloser, error) {
	body, err := r.get(ctx, key)
	if err == nil {
		return body, nil
	}
	spooled, spoolErr := r.journal.spool.Spooled(ctx, key)
	if spoolErr == nil {
		return io.NopCloser(bytes.NewReader(spooled)), nil
	}
	if errors.Is(err, fs.ErrNotExist) && job.CodeOf(spoolErr) == job.CodeNotFound {
		return r.get(ctx, key) // drained in between
	}
	return nil, err
}

// get opens an object in S3.
func (r *Reader) get(ctx context.Context, key string) (body io.ReadCloser, err error) {
	if r.away {
		return nil, errOutage
	}
	err = r.journal.outage.ask(ctx, func() error {
		body, err = r.journal.objects.Get(ctx, key)
		return err
	})
	r.away = err != nil && !errors.Is(err, fs.ErrNotExist)
	return body, err
}

// offer yields a record that was asked for and not seen yet. One that the
// position has no room for is left for later: `most` bounds its spans.
func (r *Reader) offer(record Record, most int, yield func(Record) error) error {
	if !r.filter.covers(record) || !r.seen.add(record, most) || !r.filter.match(record) {
		return nil
	}
	return yield(record)
}

// errDamaged is the error of an object that holds something else than one execution's records.
var errDamaged = errors.New("damaged log")

// readRecords reads gzip NDJSON. stopped: yield gave the error.
func readRecords(body io.Reader, yield func(Record) error) (stopped bool, err error) {
	unzipped, err := gzip.NewReader(body)
	if err != nil {
		return false, errors.Join(errDamaged, err)
	}
	lines := bufio.NewScanner(unzipped)
	lines.Buffer(nil, 2*maxRecord)
	var first Record
	for seq := 1; lines.Scan(); seq++ {
		record, err := decodeRecord(lines.Bytes())
		if seq == 1 {
			first = record
		}
		if err != nil || record.Seq != seq || identify(record) != identify(first) {
			return false, errors.Join(errDamaged, err)
		}
		if err := yield(record); err != nil {
			return true, err
		}
	}
	if err := lines.Err(); err != nil {
		return false, errors.Join(errDamaged, err)
	}
	return false, nil
}

// Live yields what is in the live stream and was not seen yet, waiting for a
// first record as long as wait; it returns when it has nothing more. Where a
// great many executions are under way it leaves some to [Reader.Stored]. An error
// of yield ends it and is returned. [ErrNoLive]. CodeUnavailable: S3 is away.
func (r *Reader) Live(ctx context.Context, wait time.Duration, yield func(Record) error) error {
	if r.from != "" && !r.listed && r.journal.live != nil { // the stream has records of what the position stands for
		if _, unreachable, err := r.keys(ctx); err != nil || unreachable != nil {
			return unavailable(errors.Join(err, unreachable))
		}
	}
	for {
		records, next, err := r.journal.live.read(ctx, r.run.ID, r.stream, wait)
		if err != nil {
			return err
		}
		for _, record := range records {
			if r.folded[escape(record.Execution)] {
				continue
			}
			if err := r.offer(record, maxLive, yield); err != nil {
				return err
			}
		}
		if next == r.stream {
			return nil
		}
		r.stream, wait = next, 0
	}
}

func unavailable(cause error) error {
	return job.Wrap(job.CodeUnavailable, cause, "a part of the log can't be read now: try again")
}
