package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"

	"github.com/fairlead/fairlead/gateway"
	"github.com/fairlead/fairlead/internal/cli"
	"github.com/fairlead/fairlead/internal/config"
	"github.com/fairlead/fairlead/internal/devstack"
	"github.com/fairlead/fairlead/internal/store"
	"github.com/fairlead/fairlead/workers"
)

// world is everything that both sides stand on, in this process.
type world struct {
	stack    *devstack.Stack
	temporal client.Client
	gauge    gauge
	floor    *floor
	fairlead *fairlead
}

// place is an empty folder for a stack, and ports that are free; remove it when the stack has stopped.
func place() (dir string, ports devstack.Ports, remove func(), err error) {
	if ports, err = devstack.FreePorts(); err != nil {
		return "", ports, nil, err
	}
	if dir, err = os.MkdirTemp("", "fairlead-bench-"); err != nil {
		return "", ports, nil, err
	}
	remove = func() { _ = os.RemoveAll(dir) }
	if err = os.Chmod(dir, 0o755); err != nil { //nolint:gosec // Postgres's own user passes through it
		remove()
	}
	return dir, ports, remove, err
}

// inWorld calls do while a stack of its own and every service are up.
func inWorld(ctx context.Context, out io.Writer, do func(ctx context.Context, w *world) error) (err error) {
	dir, ports, remove, err := place()
	if err != nil {
		return err
	}
	defer remove()
	log, err := os.Create(filepath.Join(dir, "log")) //nolint:gosec // in the folder just made
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	observed, err := cli.Observe(config.Config{LogLevel: "warn"}, "bench", log)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var services []devstack.Service
	for _, service := range cli.Services(observed, func() []gateway.Option { return nil }) {
		services = append(services, devstack.Service(service))
	}
	return devstack.Run(ctx, devstack.Options{
		Dir: dir, Ports: ports, Log: observed.Logger(), Out: out,
		Prepare: func(ctx context.Context, stack *devstack.Stack) error {
			return store.Migrate(ctx, stack.Config().DatabaseURL)
		},
		Ready: func(ctx context.Context, stack *devstack.Stack) error {
			defer stop()
			return withSides(ctx, stack, do)
		},
	}, services...)
}

// withSides calls do with both sides ready.
func withSides(ctx context.Context, stack *devstack.Stack, do func(ctx context.Context, w *world) error) error {
	cfg := stack.Config()
	target, closeTarget, err := serveTarget(ctx)
	if err != nil {
		return err
	}
	defer closeTarget()
	db, err := pgxpool.New(ctx, cfg.DatabaseURL)
	if err != nil {
		return err
	}
	defer db.Close()
	temporal, err := client.DialContext(ctx, client.Options{
		HostPort: cfg.Temporal["TEMPORAL_ADDRESS"], Namespace: cfg.Temporal["TEMPORAL_NAMESPACE"],
		Logger: sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	if err != nil {
		return err
	}
	defer temporal.Close()
	floor, err := newFloor(temporal, target, workers.Tuning(cfg))
	if err != nil {
		return err
	}
	defer floor.worker.Stop()
	token, err := stack.Token(devstack.Claims{Subject: "bench", Role: "admin", TTL: 24 * time.Hour})
	if err != nil {
		return err
	}
	return do(ctx, &world{
		stack: stack, temporal: temporal, gauge: gauge{db: db},
		floor: floor, fairlead: newFairlead(cfg.PublicURL, token, target),
	})
}

// serveTarget answers every call with a little JSON.
func serveTarget(ctx context.Context) (url string, closeTarget func(), err error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("target: %w", err)
	}
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"ok":true,"rows":[{"id":1,"name":"one"},{"id":2,"name":"two"}]}`)
	})}
	go func() { _ = server.Serve(listener) }()
	return "http://" + listener.Addr().String() + "/", func() { _ = server.Close() }, nil
}
