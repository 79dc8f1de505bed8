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

// startSlack is how far apart two clocks may see a server's start: it writes its own after it has begun.
const startSlack = 5 * time.Second

// stalePostgres is what a pid file says of the server that a killed process left on a data folder.
type stalePostgres struct {
	pid     int
	data    string
	started time.Time
}

// parseStale reads a postmaster.pid: the process, the data folder, and the start in seconds, a line each
// (https://www.postgresql.org/docs/current/storage-file-layout.html). What isn't one gives pid 0.
func parseStale(raw, data string) stalePostgres {
	lines := append(strings.Split(raw, "\n"), "", "", "")
	pid, _ := strconv.Atoi(strings.TrimSpace(lines[0]))
	seconds, _ := strconv.ParseInt(strings.TrimSpace(lines[2]), 10, 64)
	return stalePostgres{pid: pid, data: data, started: time.Unix(seconds, 0)}
}

// runs tells whether the process is still that server. A process of the same number can be
// another Postgres by now, so its folder counts, which is where a server works; and where the
// system keeps that to itself, when it began.
func (s stalePostgres) runs() bool {
	if s.pid <= 1 || !strings.HasPrefix(processName(strconv.Itoa(s.pid)), "post") { // postgres, postmaster
		return false
	}
	folder, err := processFolder(s.pid)
	if err == nil {
		data, err := os.Stat(s.data)
		return err == nil && os.SameFile(folder, data)
	}
	if !errors.Is(err, fs.ErrPermission) && !errors.Is(err, errors.ErrUnsupported) {
		return false
	}
	began, err := processStart(s.pid)
	return err == nil && began.Sub(s.started).Abs() <= startSlack
}

// stopStale ends the server that a killed process left on the data folder. The stack's lock
// is held, so a server on this folder can be nobody else's. A pid file whose process is
// something else by now (after a reboot) is removed: Postgres would refuse to start over it.
func stopStale(ctx context.Context, data string, log *slog.Logger) error {
	file := filepath.Join(data, "postmaster.pid")
	raw, err := os.ReadFile(file) //nolint:gosec // in the stack's folder
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if errors.Is(err, syscall.ENOTDIR) {
		return fmt.Errorf("%s should be a folder with a Postgres cluster: put a copy of it back, or move it away to begin an empty one", data)
	}
	if err != nil {
		return fmt.Errorf("cluster in %s: %w", data, err)
	}
	stale := parseStale(string(raw), data)
	if !stale.runs() {
		if err := os.Remove(file); err != nil {
			return fmt.Errorf("cluster in %s: %w", data, err)
		}
		return nil
	}
	log.Warn("a killed process left its Postgres running; stopping it", "pid", stale.pid, "folder", data)
	for _, step := range []struct {
		signal syscall.Signal
		wait   time.Duration
	}{{syscall.SIGINT, postgresStopTimeout}, {syscall.SIGQUIT, 5 * time.Second}, {syscall.SIGKILL, 5 * time.Second}} {
		if err := syscall.Kill(stale.pid, step.signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("stop the Postgres (process %d) that was left on %s: %w", stale.pid, data, err)
		}
		if stale.gone(ctx, step.wait) {
			return ctx.Err()
		}
	}
	return fmt.Errorf("the Postgres (process %d) that was left on %s does not stop: end it and start again", stale.pid, data)
}

func (s stalePostgres) gone(ctx context.Context, within time.Duration) bool {
	for deadline := time.Now().Add(within); time.Now().Before(deadline); {
		if !s.runs() || !wait(ctx, 50*time.Millisecond) {
			return true
		}
	}
	return false
}
