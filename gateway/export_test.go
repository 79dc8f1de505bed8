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
