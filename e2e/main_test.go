// Package e2e runs whole cases on the whole stack, through the REST API only. A case is a
// folder with the job.yaml it runs and the golden answers it gets.
package e2e_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"testing"

	"github.com/fairlead/fairlead/gateway"
	"github.com/fairlead/fairlead/internal/cli"
	"github.com/fairlead/fairlead/internal/devstack"
	"github.com/fairlead/fairlead/internal/store"
)

// world is the stack that every case runs on. It is made once: there can be one S3 server
// in a process, and a Temporal server takes seconds to start.
var world *devstack.Stack

func TestMain(m *testing.M) { os.Exit(inWorld(m.Run)) }

// inWorld calls run while the stack and all services are up.
func inWorld(run func() int) int {
	code := 1
	if err := serve(func() { code = run() }); err != nil {
		fmt.Fprintln(os.Stderr, "the stack:", err)
		return 1
	}
	return code
}

func serve(run func()) error {
	dir, err := os.MkdirTemp("", "fairlead-e2e-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // Postgres's own user passes through it
		return err
	}
	ports, err := devstack.FreePorts()
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var services []devstack.Service
	for _, service := range cli.Services(func() []gateway.Option {
		return []gateway.Option{gateway.WithHandler("/dev/outbox", world.Outbox())}
	}) {
		services = append(services, devstack.Service(service))
	}
	return devstack.Run(ctx, devstack.Options{
		Dir: dir, Ports: ports,
		Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
		Prepare: func(ctx context.Context, stack *devstack.Stack) error {
			world = stack
			return store.Migrate(ctx, stack.Config().DatabaseURL)
		},
		Ready: func(ctx context.Context, stack *devstack.Stack) error {
			defer stop()
			run()
			return record(ctx, stack)
		},
	}, services...)
}
