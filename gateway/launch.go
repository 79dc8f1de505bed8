package gateway

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"go.temporal.io/api/serviceerror"

	"github.com/fairlead/fairlead/internal/store"
)

const (
	// startTimeout is how long an acknowledgement waits for Temporal to take the
	// run, more than a burst takes; the sweep starts the run then.
	startTimeout = 5 * time.Second
	// watchEvery is how often Temporal is looked at, watchTimeout how long it may take to answer.
	watchEvery   = time.Second
	watchTimeout = 1500 * time.Millisecond
	// enoughFailed is how many failed looks in a row are an absence: one may be chance.
	enoughFailed = 2
)

// errAway is why a run is not started now.
var errAway = errors.New("no start while Temporal is away, or the gateway ends: the sweep does it")

// launcher starts runs for as long as Temporal answers. Once it is away, no
// acknowledgement waits for it, those that were waiting included. A start that
// Temporal did not answer is a failed look, too.
//
//	          two looks fail in a row
//	there ─────────────────────────────▶ away
//	  ▲                                    │ starts nothing: the sweep will
//	  └───────── a look succeeds ──────────┘
type launcher struct {
	starter Starter
	ping    func(ctx context.Context) error
	log     *slog.Logger

	stop    context.CancelFunc
	running sync.WaitGroup // the watch, and starts under way

	mu     sync.Mutex
	away   chan struct{} // closed while Temporal is away
	failed int           // looks in a row
	closed bool
}

// newLauncher returns a launcher that watches Temporal with ping. Close it.
func newLauncher(starter Starter, ping func(ctx context.Context) error, log *slog.Logger) *launcher {
	ctx, stop := context.WithCancel(context.Background())
	l := &launcher{starter: starter, ping: ping, log: log, stop: stop, away: make(chan struct{})}
	l.running.Go(func() { l.watch(ctx) })
	return l
}

// close ends the watch, and waits for the starts that are under way.
func (l *launcher) close() error {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.stop()
	l.running.Wait()
	return nil
}

// Start starts the run's workflow. A start goes on for up to startTimeout, also
// when its caller has been told that Temporal is away.
func (l *launcher) Start(ctx context.Context, run store.Run) error {
	started := make(chan error, 1)
	away, ok := l.begin(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), startTimeout)
		defer cancel()
		err := l.starter.Start(ctx, run)
		if err == nil || unanswered(err) {
			l.note(ctx, err)
		}
		started <- err
	})
	if !ok {
		return errAway
	}
	select {
	case err := <-started:
		return err
	case <-away:
		return errAway
	}
}

// begin begins a start, and returns what is closed once Temporal is away; not ok: no start now.
func (l *launcher) begin(start func()) (away <-chan struct{}, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || l.failed >= enoughFailed {
		return nil, false
	}
	l.running.Go(start)
	return l.away, true
}

// unanswered reports whether a start failed for want of Temporal, and not of its definition or of S3.
func unanswered(err error) bool {
	_, unavailable := errors.AsType[*serviceerror.Unavailable](err)
	_, late := errors.AsType[*serviceerror.DeadlineExceeded](err)
	return unavailable || late
}

func (l *launcher) watch(ctx context.Context) {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		err := l.look(ctx)
		if ctx.Err() != nil {
			return
		}
		l.note(ctx, err)
	}
}

func (l *launcher) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, watchTimeout)
	defer cancel()
	return l.ping(ctx)
}

// note takes note of how a look went.
func (l *launcher) note(ctx context.Context, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	wasAway := l.failed >= enoughFailed
	if err == nil {
		l.failed = 0
		if wasAway {
			l.away = make(chan struct{})
			l.log.InfoContext(ctx, "Temporal is back")
		}
		return
	}
	l.failed++
	if !wasAway && l.failed >= enoughFailed {
		close(l.away)
		l.log.WarnContext(ctx, "Temporal is away: runs are kept and start later", "error", err)
	}
}
