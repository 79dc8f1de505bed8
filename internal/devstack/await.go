package devstack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// awaitTimeout is how long [Await] gives a stack to start.
const awaitTimeout = time.Minute

// Serving is a stack that another process runs.
type Serving struct {
	// PID is the process.
	PID int
	// Ports are where its parts listen.
	Ports Ports
}

// Gateway is the URL of its gateway.
func (s Serving) Gateway() string { return "http://" + address(s.Ports.Gateway) }

// Await waits until the stack that another process runs on dir serves: its gateway is ready,
// and the admin's token is there. Should it have to wait, it calls waiting with that process
// first. The second result is false when no stack runs on dir (any more).
func Await(ctx context.Context, dir string, waiting func(pid int)) (Serving, bool, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, awaitTimeout, fmt.Errorf("not ready within %s", awaitTimeout))
	defer cancel()
	for waited := false; ; waited = true {
		pid, running := Running(dir)
		if !running {
			return Serving{}, false, nil
		}
		serving := Serving{PID: pid}
		problem := serving.look(ctx, dir)
		if problem == nil {
			return serving, true, nil
		}
		if !waited {
			waiting(pid)
		}
		if !wait(ctx, 100*time.Millisecond) {
			return serving, false, fmt.Errorf("the stack (process %d) on %s does not serve: %w: %w", pid, dir, context.Cause(ctx), problem)
		}
	}
}

// look finds out where the stack listens; an error says why it does not serve.
func (s *Serving) look(ctx context.Context, dir string) error {
	raw, err := os.ReadFile(filepath.Join(dir, portsFile)) //nolint:gosec // in the stack's folder
	if err == nil {
		err = json.Unmarshal(raw, &s.Ports)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", portsFile, err)
	}
	_, errToken := os.Stat(filepath.Join(dir, tokenFile))
	return errors.Join(errToken, healthy(ctx, s.Gateway()+"/ready"))
}
