package devstack

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// stopStale ends the server that a killed process left on the data folder. The stack's lock
// is held, so a server on this folder can be nobody else's. A pid file whose process is
// something else by now (after a reboot) is removed: Postgres would refuse to start over it.
func stopStale(ctx context.Context, data string, log *slog.Logger) error {
	file := filepath.Join(data, "postmaster.pid")
	raw, err := os.ReadFile(file) //nolint:gosec // in the stack's folder
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cluster in %s: %w", data, err)
	}
	first, _, _ := strings.Cut(string(raw), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil || !isPostgres(pid) {
		if err := os.Remove(file); err != nil {
			return fmt.Errorf("cluster in %s: %w", data, err)
		}
		return nil
	}
	log.Warn("a killed process left its Postgres running; stopping it", "pid", pid, "folder", data)
	for _, step := range []struct {
		signal syscall.Signal
		wait   time.Duration
	}{{syscall.SIGINT, postgresStopTimeout}, {syscall.SIGQUIT, 5 * time.Second}, {syscall.SIGKILL, 5 * time.Second}} {
		if err := syscall.Kill(pid, step.signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("stop the Postgres (process %d) that was left on %s: %w", pid, data, err)
		}
		if gone(ctx, pid, step.wait) {
			return ctx.Err()
		}
	}
	return fmt.Errorf("the Postgres (process %d) that was left on %s does not stop: end it and start again", pid, data)
}

func isPostgres(pid int) bool {
	return pid > 1 && strings.HasPrefix(processName(strconv.Itoa(pid)), "post") // postgres, postmaster
}

func gone(ctx context.Context, pid int, within time.Duration) bool {
	for deadline := time.Now().Add(within); time.Now().Before(deadline); {
		if !isPostgres(pid) || !wait(ctx, 50*time.Millisecond) {
			return true
		}
	}
	return false
}
