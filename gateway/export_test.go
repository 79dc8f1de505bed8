package gateway

import (
	"context"
	"log/slog"
)

// NewLauncher makes a launcher, and returns what closes it.
func NewLauncher(starter Starter, ping func(context.Context) error, log *slog.Logger) (launcher Starter, closeIt func() error) {
	l := newLauncher(starter, ping, log)
	return l, l.close
}

// NewWait returns what waits for the end of a run, of all those who wait together.
func NewWait(settled func(ctx context.Context, runs []string) ([]string, error)) (wait func(ctx context.Context, run string) bool) {
	return (&endings{settled: settled}).wait
}
