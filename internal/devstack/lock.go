package devstack

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// ErrRunning says that another process runs a stack on the same folder.
var ErrRunning = errors.New("already running")

const lockFile = "lock"

// lock takes the folder for this process. The kernel gives it back when the process ends, however it ends.
func lock(dir string) (release func() error, err error) {
	file, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // in the stack's folder
	if err != nil {
		return nil, fmt.Errorf("folder %s cannot be written to: %w", dir, err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		pid := holder(file)
		_ = file.Close()
		return nil, fmt.Errorf("%w (process %d) on %s", ErrRunning, pid, dir)
	}
	if err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	pid := strconv.Itoa(os.Getpid()) + "\n"
	_, errWrite := file.WriteAt([]byte(pid), 0)
	if err := errors.Join(errWrite, file.Truncate(int64(len(pid)))); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	return file.Close, nil
}

// Running returns the process that runs a stack on dir, and whether there is one.
func Running(dir string) (pid int, ok bool) {
	file, err := os.Open(filepath.Join(dir, lockFile)) //nolint:gosec // in the stack's folder
	if err != nil {
		return 0, false
	}
	defer func() { _ = file.Close() }()
	if syscall.Flock(int(file.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) == nil {
		return 0, false
	}
	return holder(file), true
}

func holder(file *os.File) int {
	raw, _ := io.ReadAll(io.NewSectionReader(file, 0, 32))
	pid, _ := strconv.Atoi(strings.TrimSpace(string(raw)))
	return pid
}
