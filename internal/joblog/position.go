package joblog

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"maps"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/job"
)

// position is what a reader has seen of a run's log: for each execution, the
// ranges of its records. Records come from several places in no fixed order, so
// a place in one of them would not do. As text it has some ten bytes for each execution.
type position struct {
	seen map[executionID][]span
}

// executionID is the beginning of a hash of (step, item, execution).
type executionID [6]byte

// span is a range of records, both ends included; an execution's spans are in order and never touch.
type span struct{ first, last uint64 }

// maxPosition bounds the text that is read, so that a header or parameter does too.
const maxPosition = 64 << 10

func identify(record Record) executionID {
	sum := sha256.Sum256([]byte(strings.Join([]string{record.Step, record.Item, record.Execution}, "\x00")))
	return executionID(sum[:len(executionID{})])
}

// add notes a record, and is false when it was seen before.
func (p *position) add(record Record) bool {
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
	default:
		spans = slices.Insert(spans, at, span{seq, seq})
	}
	p.seen[id] = spans
	return true
}

// String is the position for [Filter.After]; "" for nothing seen.
func (p *position) String() string {
	if len(p.seen) == 0 {
		return ""
	}
	var raw []byte
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

// parsePosition reads what String gave. CodeMalformed otherwise.
func parsePosition(text string) (*position, error) {
	malformed := job.Errorf(job.CodeMalformed, "this is no position in a log: begin again without one")
	p := &position{seen: map[executionID][]span{}}
	if len(text) > maxPosition {
		return nil, malformed
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, malformed
	}
	for len(raw) > 0 {
		var id executionID
		if len(raw) < len(id) {
			return nil, malformed
		}
		copy(id[:], raw)
		spans, rest, ok := parseSpans(raw[len(id):])
		if !ok || p.seen[id] != nil {
			return nil, malformed
		}
		p.seen[id], raw = spans, rest
	}
	return p, nil
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
