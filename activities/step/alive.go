package step

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/activity"
)

// heartbeatEvery is how often the server hears of an attempt.
const heartbeatEvery = 5 * time.Second

// errUnkept is why an attempt with a large output ends when S3 stays away.
var errUnkept = errors.New("S3 is away, and the output is too large to travel without it")

// errStopped is why an attempt is cut short when its worker stops.
var errStopped = errors.New("the worker stops")

// onStop calls do when the worker was told to stop and the pause has passed,
// unless the returned function was called before.
func onStop(ctx context.Context, pause time.Duration, do func()) (cancel func()) {
	done := make(chan struct{})
	go func() {
		select {
		case <-activity.GetWorkerStopChannel(ctx):
		case <-done:
			return
		}
		timer := time.NewTimer(pause)
		defer timer.Stop()
		select {
		case <-timer.C:
			do()
		case <-done:
		}
	}()
	return func() { close(done) }
}

// heartbeat tells the server that the attempt lives, until the returned function
// is called. Each heartbeat carries the tally: it replaces the one before.
func heartbeat(ctx context.Context, kept *tally) (stop func()) {
	done, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		ticker := time.NewTicker(heartbeatEvery)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				kept.record(ctx)
			}
		}
	}()
	return func() {
		close(done)
		<-gone
	}
}
