package devstack

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"github.com/alicebob/miniredis/v2"
)

// Redis is an in-memory server that speaks Redis's protocol. What it holds is lost when it
// stops, as may happen to any Redis that Fairlead uses.
type Redis struct {
	port int

	mu     sync.Mutex
	server *miniredis.Miniredis // nil while it is stopped
}

// StartRedis starts a server on 127.0.0.1; a port of 0 picks a free one.
func StartRedis(ctx context.Context, port int, _ *slog.Logger) (*Redis, error) {
	port, err := freePort(port)
	if err != nil {
		return nil, err
	}
	r := &Redis{port: port}
	return r, r.Start(ctx)
}

// Name implements [Part].
func (r *Redis) Name() string { return "Redis" }

// Address is host:port of the server.
func (r *Redis) Address() string { return address(r.port) }

// Start starts a stopped server, empty, on the same port; a running one is left alone.
func (r *Redis) Start(context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.server != nil {
		return nil
	}
	if err := checkPort("Redis", r.port); err != nil {
		return err
	}
	server := miniredis.NewMiniRedis()
	if err := server.StartAddr(r.Address()); err != nil {
		return fmt.Errorf("Redis on port %d: %w", r.port, err)
	}
	r.server = server
	return nil
}

// Stop closes the server and every connection to it.
func (r *Redis) Stop(context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.server != nil {
		r.server.Close()
		r.server = nil
	}
	return nil
}
