// Package harness runs tests on the whole stack: every part, and all services, in this process.
package harness

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/fairlead/fairlead/gateway"
	"github.com/fairlead/fairlead/internal/cli"
	"github.com/fairlead/fairlead/internal/config"
	"github.com/fairlead/fairlead/internal/devstack"
	"github.com/fairlead/fairlead/internal/store"
)

// Options change the stack; the zero value is that of a laptop.
type Options struct {
	// Prepare is called when the parts are up and the services are not. Nil does nothing.
	Prepare func(ctx context.Context, stack *devstack.Stack) error
	// Settings returns what the services are told in place of cfg; nil leaves it.
	Settings func(cfg config.Config) config.Config
	// Then is called after the tests, while everything is still up. Nil does nothing.
	Then func(ctx context.Context, stack *devstack.Stack) error
	// Stopped is called when everything has stopped. Nil does nothing.
	Stopped func()
}

// Run calls run while the stack and all services are up, and returns the process's exit
// code: run's, or 1 when the stack failed or left goroutines behind.
func Run(options Options, run func() int) int {
	code := 1
	var log logTail
	if err := serve(options, &log, func() { code = run() }); err != nil {
		fmt.Fprintln(os.Stderr, "the stack:", err)
		code = 1
	}
	if code != 0 {
		fmt.Fprintf(os.Stderr, "the last of the services' log:\n%s", log.text())
	}
	if options.Stopped != nil {
		options.Stopped()
	}
	if err := leaks(); err != nil {
		fmt.Fprintln(os.Stderr, "the stack and all services have stopped:", err)
		code = 1
	}
	return code
}

func serve(options Options, log io.Writer, run func()) error {
	dir, err := os.MkdirTemp("", "fairlead-e2e-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // Postgres runs as another user when this one is root
		return err
	}
	ports, err := devstack.FreePorts()
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	observed, err := cli.Observe(config.Config{LogLevel: "warn"}, "e2e", log)
	if err != nil {
		return err
	}
	var world *devstack.Stack
	services := cli.Services(observed, func() []gateway.Option {
		return []gateway.Option{gateway.WithHandler("/dev/outbox", world.Outbox())}
	})
	return devstack.Run(ctx, devstack.Options{
		Dir: dir, Ports: ports, Log: observed.Logger(),
		Prepare: func(ctx context.Context, stack *devstack.Stack) error {
			world = stack
			if options.Prepare != nil {
				if err := options.Prepare(ctx, stack); err != nil {
					return err
				}
			}
			return store.Migrate(ctx, stack.Config().DatabaseURL)
		},
		Ready: func(ctx context.Context, stack *devstack.Stack) error {
			defer stop()
			run()
			if options.Then == nil {
				return nil
			}
			return options.Then(ctx, stack)
		},
	}, told(services, options.Settings)...)
}

// told are the services with their settings changed.
func told(services []cli.Service, settings func(config.Config) config.Config) []devstack.Service {
	changed := make([]devstack.Service, len(services))
	for i, service := range services {
		changed[i] = devstack.Service(service)
		if settings == nil {
			continue
		}
		changed[i].Run = func(ctx context.Context, cfg config.Config, log *slog.Logger) error {
			return service.Run(ctx, settings(cfg), log)
		}
	}
	return changed
}
