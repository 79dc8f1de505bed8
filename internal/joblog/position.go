package joblog

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fairlead/fairlead/internal/job"
)

// position is what a reader has seen of a run's log. Objects are read in the
// order in which their executions ended. So `until` stands for all that ended up
// to there, and only what lies behind it is listed: executions that ended in the
// last minute, and those of which live records were seen. That keeps a position
// small, however much has run.
type position struct {
	of    [4]byte // the run and the filter that it belongs to, hashed
	until string  // the order of the last object that needn't be read again; "" before the first
	seen  map[executionID][]span
	spans int // in seen, all together
}

// executionID is the beginning of a hash of (step, item, execution).
type executionID [6]byte

// span is a range of records, both ends included; an execution's spans are in
// order and never touch. Only the live stream, which may lose records, gives more than one.
type span struct{ first, last uint64 }

const (
	// settling is how long after an execution's end its object is waited for: it may
	// be on its way to S3 or to the spool, and machines' clocks differ.
	settling = time.Minute
	// maxSpans bounds a position, whose text has some twelve bytes for each: it is sent with every
	// event, and proxies take headers of 8 KiB. Live records make maxLive at most. A run has far
	// fewer executions under way at once, and few ends of others while one object is on its way.
	maxSpans = 400
	maxLive  = maxSpans / 2
	// maxPosition bounds the text that is read, so that a header or parameter does too.
	maxPosition = 64 << 10
)

func newPosition(run Run, filter Filter) *position {
	sum := sha256.Sum256([]byte(strings.Join([]string{
		run.ID, filter.Step, filter.Item, strconv.Itoa(filter.Attempt), filter.Level, filter.Query,
	}, "\x00")))
	p := &position{seen: map[executionID][]span{}}
	copy(p.of[:], sum[:])
	return p
}

func identify(record Record) executionID {
	sum := sha256.Sum256([]byte(strings.Join([]string{record.Step, record.Item, record.Execution}, "\x00")))
	return executionID(sum[:len(executionID{})])
}

// full reports whether there is room for no further execution.
func (p *position) full() bool { return p.spans >= maxSpans }

// fold forgets an execution whose object has the given order: `until` stands for it.
func (p *position) fold(id executionID, order string) {
	p.until = max(p.until, order)
	p.spans -= len(p.seen[id])
	delete(p.seen, id)
}

// add notes a record; it is false when it was seen before, or would make more than `most` spans.
func (p *position) add(record Record, most int) bool {
	id, seq := identify(record), uint64(max(record.Seq, 0))
	spans := p.seen[id]
	at, inside := slices.BinarySearchFunc(spans, seq, func(s span, seq uint64) int {
		switch {
		case s.last < seq:
			return -1
		case s.first > seq:
			return 1
		}
		return 0
	})
	if inside {
		return false
	}
	before := len(spans)
	joinsLeft := at > 0 && spans[at-1].last+1 == seq
	joinsRight := at < len(spans) && spans[at].first == seq+1
	switch {
	case joinsLeft && joinsRight:
		spans[at-1].last = spans[at].last
		spans = slices.Delete(spans, at, at+1)
	case joinsLeft:
		spans[at-1].last = seq
	case joinsRight:
		spans[at].first = seq
	case p.spans >= most:
		return false
	default:
		spans = slices.Insert(spans, at, span{seq, seq})
	}
	p.seen[id] = spans
	p.spans += len(spans) - before
	return true
}

// String is the position for [Filter.After]; "" for nothing seen.
func (p *position) String() string {
	if p.until == "" && len(p.seen) == 0 {
		return ""
	}
	raw := slices.Clone(p.of[:])
	raw = binary.AppendUvarint(raw, uint64(len(p.until)))
	raw = append(raw, p.until...)
	ids := slices.SortedFunc(maps.Keys(p.seen), func(a, b executionID) int { return slices.Compare(a[:], b[:]) })
	for _, id := range ids {
		spans := p.seen[id]
		raw = append(raw, id[:]...)
		raw = binary.AppendUvarint(raw, uint64(len(spans)))
		end := uint64(0)
		for _, s := range spans { // as distances, which are small
			raw = binary.AppendUvarint(raw, s.first-end)
			raw = binary.AppendUvarint(raw, s.last-s.first)
			end = s.last
		}
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// parse reads what String gave. CodeMalformed: it is something else, or of another run or filter.
func (p *position) parse(text string) error {
	malformed := job.Errorf(job.CodeMalformed, "this is no position in this run's log with this filter: ask for what you asked for before, or begin again without one")
	raw, err := base64.RawURLEncoding.DecodeString(text[:min(len(text), maxPosition)])
	if err != nil || len(text) > maxPosition {
		return malformed
	}
	raw, ok := bytes.CutPrefix(raw, p.of[:])
	if !ok {
		return malformed
	}
	length, n := binary.Uvarint(raw)
	if n <= 0 || length > maxPosition || int(length) > len(raw)-n {
		return malformed
	}
	p.until, raw = string(raw[n:n+int(length)]), raw[n+int(length):]
	for len(raw) > 0 {
		var id executionID
		if len(raw) < len(id) {
			return malformed
		}
		copy(id[:], raw)
		spans, rest, ok := parseSpans(raw[len(id):])
		if !ok || p.seen[id] != nil {
			return malformed
		}
		p.seen[id], raw = spans, rest
		p.spans += len(spans)
	}
	return nil
}

func parseSpans(raw []byte) (spans []span, rest []byte, ok bool) {
	count, n := binary.Uvarint(raw)
	if n <= 0 || count == 0 || count > uint64(len(raw)) {
		return nil, nil, false
	}
	raw = raw[n:]
	end := uint64(0)
	for i := range count {
		gap, n := binary.Uvarint(raw)
		if n <= 0 || i > 0 && gap < 2 { // closer ones would have been joined
			return nil, nil, false
		}
		length, m := binary.Uvarint(raw[n:])
		first := end + gap
		if m <= 0 || first < end || first+length < first {
			return nil, nil, false
		}
		end = first + length
		spans, raw = append(spans, span{first, end}), raw[n+m:]
	}
	return spans, raw, true
}
