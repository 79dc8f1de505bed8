package gateway

import (
	"context"
	"sync"
	"time"
)

const (
	// lookEvery is the least time between two looks for the ends of runs.
	lookEvery = 10 * time.Millisecond
	// lookRarely is the most time between two looks for the end of the same run.
	lookRarely = 500 * time.Millisecond
	// looksPerWait is how precise a look is: it comes after a sixteenth of the time waited so far.
	looksPerWait = 16
	// lookPatience bounds one look.
	lookPatience = 5 * time.Second
)

// endings looks for the ends of all runs that are waited for, together: one
// query, however many wait. Where a run asks a person, nobody waits on: that can
// take days. It looks while somebody waits. The zero value, given settled, is ready to use.
type endings struct {
	// settled returns those of the runs that have ended, or ask a person.
	settled func(ctx context.Context, runs []string) ([]string, error)

	mu      sync.Mutex
	waiting map[*waiter]struct{}
}

// waiter waits for one run.
type waiter struct {
	run         string
	since, next time.Time
	over        chan struct{} // closed when the run has ended, or asks a person
}

// wait returns true when the run has ended, or asks a person; false when ctx ends first.
func (e *endings) wait(ctx context.Context, run string) bool {
	now := time.Now()
	w := &waiter{run: run, since: now, next: now.Add(lookEvery), over: make(chan struct{})}
	e.enter(w)
	defer e.leave(w)
	select {
	case <-w.over:
		return true
	case <-ctx.Done():
		return false
	}
}

// enter adds a waiter; the first one starts the looks.
func (e *endings) enter(w *waiter) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.waiting == nil {
		e.waiting = map[*waiter]struct{}{}
		go e.look()
	}
	e.waiting[w] = struct{}{}
}

func (e *endings) leave(w *waiter) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.waiting, w)
}

// look looks until nobody waits any more.
func (e *endings) look() {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for range ticker.C {
		due, someone := e.due()
		if !someone {
			return
		}
		if len(due) > 0 {
			e.tell(due)
		}
	}
}

// due returns whom it is time to look for, by run; the looks end when there is no waiter left.
func (e *endings) due() (due map[string][]*waiter, someone bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.waiting) == 0 {
		e.waiting = nil
		return nil, false
	}
	now := time.Now()
	due = map[string][]*waiter{}
	for w := range e.waiting {
		if now.Before(w.next) {
			continue
		}
		w.next = now.Add(min(max(now.Sub(w.since)/looksPerWait, lookEvery), lookRarely))
		due[w.run] = append(due[w.run], w)
	}
	return due, true
}

// tell looks once. When that fails nobody is told, and the next look comes in its time.
func (e *endings) tell(due map[string][]*waiter) {
	ctx, cancel := context.WithTimeout(context.Background(), lookPatience)
	defer cancel()
	runs := make([]string, 0, len(due))
	for run := range due {
		runs = append(runs, run)
	}
	settled, err := e.settled(ctx, runs)
	if err != nil {
		return
	}
	for _, run := range settled {
		for _, w := range due[run] {
			close(w.over)
			e.leave(w)
		}
	}
}
