package joblog

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/fairlead/fairlead/internal/job"
)

const (
	// debugBytes is from where on a log takes no debug records, allBytes no others but
	// errors, endBytes none at all: its size in memory and in S3 is bounded.
	debugBytes = 8 << 20
	allBytes   = 12 << 20
	endBytes   = 13 << 20
	// maxText is the most of one text, maxRecord of one line.
	maxText   = 32 << 10
	maxRecord = 256 << 10
)

// Ref names a log object; the zero value is "nothing was logged".
type Ref struct {
	Key     string `json:"key,omitempty"`
	Records int    `json:"records,omitempty"`
	SHA256  string `json:"sha256,omitempty"` // of the object's bytes, in hex
}

// Writer is the log of one execution. It keeps its records in memory until
// [Writer.Close]. It is safe for concurrent use.
type Writer struct {
	journal   *Journal
	run       Run
	step      string
	item      string
	attempt   int
	execution string

	mu      sync.Mutex
	mask    masker
	body    body
	seq     int
	size    int // bytes of lines, not compressed
	level   int // how many of the bounds were passed
	dropped int
	sealed  bool
	ended   time.Time // when it was sealed

	closing sync.Mutex
	kept    bool
}

// Mask replaces a secret in every later record, its encoded forms included. Call it before anything that holds the secret is logged.
func (w *Writer) Mask(secret string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mask.add(secret)
}

// Log adds a record. It never waits for anything outside of the process, and
// does nothing once the writer is closed.
func (w *Writer) Log(level slog.Level, message string, attrs ...slog.Attr) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.sealed {
		return
	}
	if w.full(level) {
		w.dropped++
		return
	}
	w.add(levelName(level), w.mask.short(message), w.mask.fields(attrs))
	w.bound()
}

// full reports whether the log has no room for a record of this level.
func (w *Writer) full(level slog.Level) bool {
	switch {
	case w.size >= endBytes:
		return true
	case w.size >= allBytes:
		return level < slog.LevelError
	}
	return w.size >= debugBytes && level < slog.LevelInfo
}

// bound says in the log itself, once each, that it takes no more of some records.
func (w *Writer) bound() {
	for _, bound := range []struct {
		level, bytes int
		what         string
	}{{1, debugBytes, "debug records"}, {2, allBytes, "records other than errors"}, {3, endBytes, "records"}} {
		if w.level < bound.level && w.size >= bound.bytes {
			w.level = bound.level
			w.add(LevelWarn, fmt.Sprintf("this log is over %d MiB: from here on %s are dropped", bound.bytes>>20, bound.what), nil)
		}
	}
}

func (w *Writer) add(level, message string, fields map[string]any) {
	record := Record{
		Time: time.Now().UTC(), Level: level, Message: message, Step: w.step, Item: w.item,
		Attempt: w.attempt, Execution: w.execution, Seq: w.seq + 1, Fields: fields,
	}
	line, err := encodeRecord(record)
	if err != nil || len(line) > maxRecord {
		record.Fields = map[string]any{"dropped": "the fields of this record are too large"}
		if line, err = encodeRecord(record); err != nil {
			w.dropped++
			return
		}
	}
	if err := w.body.add(line); err != nil { // a buffer in memory takes everything
		w.dropped++
		return
	}
	w.seq, w.size = w.seq+1, w.size+len(line)
	w.journal.live.publish(w.run.ID, line)
}

// Close keeps the log, in S3 or else in the spool, and says where; also when
// ctx has ended. A log without records has no object. After an error
// (CodeUnavailable: neither took it) Close may be called again, at once: a
// reader that pages takes a log for complete once it has been over for a minute.
func (w *Writer) Close(ctx context.Context) (Ref, error) {
	w.closing.Lock()
	defer w.closing.Unlock()
	ref, body, err := w.seal()
	if err != nil || w.kept || body == nil {
		return ref, err
	}
	if err := w.journal.keep(context.WithoutCancel(ctx), w.run.Team, ref.Key, body); err != nil {
		return Ref{}, err
	}
	w.kept = true
	return ref, nil
}

// seal ends the log and returns its object; nil when it has no records.
func (w *Writer) seal() (Ref, []byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.sealed && w.dropped > 0 {
		w.add(LevelWarn, fmt.Sprintf("%d records were dropped: the log was too large", w.dropped), nil)
	}
	if w.seq == 0 {
		w.sealed = true
		return Ref{}, nil, nil
	}
	if !w.sealed {
		w.sealed, w.ended = true, time.Now()
	}
	body, err := w.body.seal()
	if err != nil {
		return Ref{}, nil, job.Wrap(job.CodeInternal, err, "the log can't be compressed")
	}
	sum := sha256.Sum256(body)
	return Ref{
		Key: Key(w.run, w.step, w.item, w.attempt, w.ended, w.execution), Records: w.seq, SHA256: hex.EncodeToString(sum[:]),
	}, body, nil
}
