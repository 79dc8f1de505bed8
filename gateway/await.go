package gateway

import (
	"context"
	"time"

	"github.com/fairlead/fairlead/internal/store"
)

// await returns the run as it is when it has ended, when it asks a person, when
// the time is up, when the caller has gone, or when the gateway drains; at once for a wait of 0.
func (s *server) await(ctx context.Context, run store.Run, wait time.Duration) store.Run {
	if wait <= 0 || run.Status.Ended() {
		return run
	}
	waiting, stop := s.untilDrained(ctx)
	defer stop()
	waiting, stop = context.WithTimeout(waiting, wait)
	defer stop()
	s.endings.wait(waiting, run.ID)
	// As it was, where it can't be read: the run is acknowledged.
	if latest, err := s.Runs.Run(ctx, run.ID); err == nil {
		return latest
	}
	return run
}
