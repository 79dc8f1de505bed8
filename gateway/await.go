package gateway

import (
	"context"
	"time"

	"github.com/fairlead/fairlead/internal/store"
)

// A run's end is looked for often at first, then ever less.
const (
	firstLook = 25 * time.Millisecond
	lastLook  = 500 * time.Millisecond
)

// await returns the run as it is when it has ended, when the time is up, when
// the caller has gone, or when the gateway drains; at once for a wait of 0.
func (s *server) await(ctx context.Context, run store.Run, wait time.Duration) (store.Run, error) {
	if wait <= 0 || run.Status.Ended() {
		return run, nil
	}
	deadline := time.NewTimer(wait)
	defer deadline.Stop()
	for pause := firstLook; ; pause = min(2*pause, lastLook) {
		look := time.NewTimer(pause)
		select {
		case <-look.C:
		case <-deadline.C:
			look.Stop()
			return s.latest(ctx, run), nil
		case <-s.Draining:
			look.Stop()
			return s.latest(ctx, run), nil
		case <-ctx.Done():
			look.Stop()
			return run, nil
		}
		if state, err := s.Runs.RunState(ctx, run.ID); err == nil && state.Status.Ended() {
			return s.Runs.Run(ctx, run.ID)
		}
	}
}

// latest is the run as it is now; as it was, where that can't be read: the run is acknowledged.
func (s *server) latest(ctx context.Context, run store.Run) store.Run {
	if latest, err := s.Runs.Run(ctx, run.ID); err == nil {
		return latest
	}
	return run
}
