// Package e2e runs whole cases on the whole stack, through the REST API only. A case is a
// folder with the job.yaml it runs and the golden answers it gets.
package e2e_test

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"

	"go.temporal.io/sdk/worker"

	"github.com/fairlead/fairlead/gateway"
	"github.com/fairlead/fairlead/internal/cli"
	"github.com/fairlead/fairlead/internal/config"
	"github.com/fairlead/fairlead/internal/devstack"
	"github.com/fairlead/fairlead/internal/store"
)

// world is the stack that every case runs on. It is made once: there can be one S3 server
// in a process, and a Temporal server takes seconds to start.
var world *devstack.Stack

// sticky is how many workflows a worker keeps in memory: with 0 every workflow task replays the whole history.
var sticky = flag.Int("sticky", -1, "size of the workers' sticky cache; -1 leaves the SDK's")

func TestMain(m *testing.M) {
	flag.Parse()
	if *sticky >= 0 {
		worker.SetStickyWorkflowCacheSize(*sticky)
	}
	code := inWorld(m.Run)
	if err := leaks(); err != nil {
		fmt.Fprintln(os.Stderr, "the stack and all services have stopped:", err)
		code = 1
	}
	os.Exit(code)
}

// inWorld calls run while the stack and all services are up.
func inWorld(run func() int) int {
	code := 1
	var log logTail
	err := serve(&log, func() { code = run() })
	if err != nil {
		fmt.Fprintln(os.Stderr, "the stack:", err)
		code = 1
	}
	if code != 0 {
		fmt.Fprintf(os.Stderr, "the last of the services' log:\n%s", log.text())
	}
	return code
}

func serve(log io.Writer, run func()) error {
	dir, err := os.MkdirTemp("", "fairlead-e2e-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.Chmod(dir, 0o755); err != nil {
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
	var services []devstack.Service
	for _, service := range cli.Services(observed, func() []gateway.Option {
		return []gateway.Option{gateway.WithHandler("/dev/outbox", world.Outbox())}
	}) {
		services = append(services, devstack.Service(service))
	}
	return devstack.Run(ctx, devstack.Options{
		Dir: dir, Ports: ports, Log: observed.Logger(),
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

// maxLog bounds what is shown of the log when a test has failed.
const maxLog = 100

// logTail keeps the last lines that were written to it.
type logTail struct {
	mu    sync.Mutex
	lines []string
}

// Write keeps one line: a handler writes one at a time.
func (l *logTail) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, string(line))
	l.lines = l.lines[max(len(l.lines)-maxLog, 0):]
	return len(line), nil
}

func (l *logTail) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "")
}
