package gateway

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/fairlead/fairlead/internal/store"
)

const (
	// startTimeout is how long an acknowledgement waits for Temporal to take the
	// run, more than a burst takes; the sweep starts the run then.
	startTimeout = 5 * time.Second
	// watchEvery is how often Temporal is looked at, watchTimeout how long it may take to answer.
	watchEvery   = time.Second
	watchTimeout = 2 * time.Second
)

// errAway is why a run is not started now.
var errAway = errors.New("no start while Temporal is away: the sweep does it")

// launcher starts runs for as long as Temporal answers. Once it is away, no
// acknowledgement waits for it, those that were waiting included.
//
//	          a look fails
//	there ───────────────────▶ away
//	  ▲                         │ starts nothing: the sweep will
//	  └──── a look succeeds ────┘
type launcher struct {
	starter Starter
	ping    func(ctx context.Context) error
	log     *slog.Logger

	stop    context.CancelFunc
	running sync.WaitGroup // the watch, and starts under way

	mu   sync.Mutex
	away chan struct{} // closed while Temporal is away
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
	l.stop()
	l.running.Wait()
	return nil
}

// Start starts the run's workflow. A start goes on for up to startTimeout, also
// when its caller has been told that Temporal is away.
func (l *launcher) Start(ctx context.Context, run store.Run) error {
	away := l.absence()
	select {
	case <-away:
		return errAway
	default:
	}
	started := make(chan error, 1)
	l.running.Go(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), startTimeout)
		defer cancel()
		started <- l.starter.Start(ctx, run)
	})
	select {
	case err := <-started:
		return err
	case <-away:
		return errAway
	}
}

// absence is closed while Temporal is away, or once it goes.
func (l *launcher) absence() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.away
}

func (l *launcher) watch(ctx context.Context) {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	there := true
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		err := l.look(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && there:
			close(l.away)
			l.log.WarnContext(ctx, "Temporal is away: runs are kept and start later", "error", err)
		case err == nil && !there:
			l.mu.Lock()
			l.away = make(chan struct{})
			l.mu.Unlock()
			l.log.InfoContext(ctx, "Temporal is back")
		}
		there = err == nil
	}
}

func (l *launcher) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, watchTimeout)
	defer cancel()
	return l.ping(ctx)
}
