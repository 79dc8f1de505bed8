package record

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/store"
)

const (
	// maxTogether is how many records are written at once.
	maxTogether = 100
	// maxWaiting bounds the records that are taken and not yet written: with more, the oldest are given up.
	maxWaiting = 10_000
	// againAfter is the pause before records are tried again that the database did not take.
	againAfter = 500 * time.Millisecond
)

// Pen writes records, those of many runs in one transaction: while one is under
// way, what comes gathers for the next. It goes through these states.
//
//	         a record comes                   written, none has come
//	idle ───────────────────▶ writing ──────────────────────────────▶ idle
//	                           │   ▲ some have come, or are tried again
//	                           └───┘
//
// What was taken by [Pen.Soon] is lost with the process. Its name (By) says
// which process that is; it has another name after any such loss.
type Pen struct {
	rows Rows
	log  *slog.Logger

	mu      sync.Mutex
	by      string
	waiting []*entry
	newest  map[string]*entry // of each run whose records are not all written
	idle    chan struct{}     // closed while nothing is being written
}

// entry is a record that waits to be written.
type entry struct {
	record store.RunRecord
	soon   bool          // nobody waits for it: it is tried until it is written
	done   chan struct{} // closed when it was written or given up
	err    error         // read after done
}

// NewPen returns a pen that writes into rows. It needs no closing; see [Pen.Rest].
func NewPen(rows Rows, log *slog.Logger) *Pen {
	idle := make(chan struct{})
	close(idle)
	return &Pen{rows: rows, log: log, by: uuid.NewString(), newest: map[string]*entry{}, idle: idle}
}

// Now writes a record and returns who did, when it is written and with it all
// that was taken of the run before.
func (p *Pen) Now(ctx context.Context, record store.RunRecord) (by string, err error) {
	added, by, err := p.add(ctx, record, false)
	if err != nil {
		return "", err
	}
	select {
	case <-added.done:
		return by, added.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// Soon takes a record, to be written within milliseconds, and returns who will.
// It waits until what it took of the run before is written: when two calls name
// the same one, the first call's record is written.
func (p *Pen) Soon(ctx context.Context, record store.RunRecord) (by string, err error) {
	_, by, err = p.add(ctx, record, true)
	return by, err
}

// Rest waits until everything taken is written, or ctx ends.
func (p *Pen) Rest(ctx context.Context) error {
	p.mu.Lock()
	idle := p.idle
	p.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// add queues a record once the run's earlier one is out of the way.
func (p *Pen) add(ctx context.Context, record store.RunRecord, soon bool) (*entry, string, error) {
	added := &entry{record: record, soon: soon, done: make(chan struct{})}
	for {
		p.mu.Lock()
		before := p.newest[record.Run]
		if before == nil {
			p.newest[record.Run] = added
			p.waiting = append(p.waiting, added)
			p.forget()
			p.begin()
			by := p.by
			p.mu.Unlock()
			return added, by, nil
		}
		p.mu.Unlock()
		select {
		case <-before.done:
		case <-ctx.Done():
			return nil, "", ctx.Err()
		}
	}
}

// begin starts the writing unless it is under way; p.mu is held.
func (p *Pen) begin() {
	select {
	case <-p.idle:
		p.idle = make(chan struct{})
		go p.write(p.idle)
	default:
	}
}

// forget gives up the oldest records when too many wait; p.mu is held.
func (p *Pen) forget() {
	for len(p.waiting) > maxWaiting {
		p.finish(p.waiting[0], job.Errorf(job.CodeUnavailable, "too many records wait for the database"))
		p.waiting = p.waiting[1:]
	}
}

// write writes until nothing waits.
func (p *Pen) write(idle chan struct{}) {
	for {
		p.mu.Lock()
		if len(p.waiting) == 0 {
			close(idle)
			p.mu.Unlock()
			return
		}
		n := min(len(p.waiting), maxTogether)
		batch := p.waiting[:n:n]
		p.waiting = p.waiting[n:]
		p.mu.Unlock()
		if again := p.attempt(batch); len(again) > 0 {
			p.mu.Lock()
			p.waiting = append(again, p.waiting...)
			p.mu.Unlock()
			<-time.After(againAfter)
		}
	}
}

// attempt writes a batch and returns what is to be tried again. Should the
// whole fail, each record is written alone: one that can't be stored fails no other.
func (p *Pen) attempt(batch []*entry) (again []*entry) {
	err := p.put(batch...)
	for _, e := range batch {
		own := err
		if len(batch) > 1 && err != nil && job.CodeOf(err) != job.CodeUnavailable {
			own = p.put(e)
		}
		if e.soon && own != nil && job.CodeOf(own) == job.CodeUnavailable {
			again = append(again, e)
			continue
		}
		p.settle(e, own)
	}
	return again
}

// put writes; every statement of the rows has a bounded time.
func (p *Pen) put(batch ...*entry) error {
	records := make([]store.RunRecord, len(batch))
	for i, e := range batch {
		records[i] = e.record
	}
	return p.rows.Record(context.Background(), records...)
}

func (p *Pen) settle(e *entry, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.finish(e, err)
}

// finish ends an entry; p.mu is held.
func (p *Pen) finish(e *entry, err error) {
	e.err = err
	if err != nil && e.soon {
		p.by = uuid.NewString() // who was told the old name sends again what isn't sure
		p.log.Error("a record was given up: the run's next one has it again", "run", e.record.Run, "error", err)
	}
	delete(p.newest, e.record.Run)
	close(e.done)
}
