package devstack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// awaitTimeout is how long [Await] gives a stack to start.
const awaitTimeout = time.Minute

// Await waits until the stack that another process runs on dir serves: the gateway's ready
// URL answers 200, and the admin's token is there. Should it have to wait, it calls waiting
// with that process first. It returns the process, and false when no stack runs on dir (any more).
func Await(ctx context.Context, dir, ready string, waiting func(pid int)) (pid int, up bool, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, awaitTimeout, fmt.Errorf("not ready within %s", awaitTimeout))
	defer cancel()
	for waited := false; ; waited = true {
		pid, running := Running(dir)
		if !running {
			return 0, false, nil
		}
		_, errToken := os.Stat(filepath.Join(dir, tokenFile))
		problem := errors.Join(errToken, healthy(ctx, ready))
		if problem == nil {
			return pid, true, nil
		}
		if !waited {
			waiting(pid)
		}
		if !wait(ctx, 100*time.Millisecond) {
			return pid, false, fmt.Errorf("the stack (process %d) on %s does not serve: %w: %w", pid, dir, context.Cause(ctx), problem)
		}
	}
}
