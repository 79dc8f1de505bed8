package devstack

import (
	"fmt"
	"os"
	"sync"
)

// logFile is appended to until it is closed; what is still written then, by goroutines that
// end a little later than their server says, is dropped.
type logFile struct {
	path string

	mu   sync.Mutex
	file *os.File // nil once closed
}

func openLog(path string) (*logFile, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) //nolint:gosec // in the stack's folder
	if err != nil {
		return nil, fmt.Errorf("log: %w", err)
	}
	return &logFile{path: path, file: file}, nil
}

// Write implements [io.Writer]. What can't be written, as on a full disk, is dropped too: the
// logger would complain of each line on the terminal.
func (l *logFile) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return len(p), nil
	}
	_, _ = l.file.Write(p)
	return len(p), nil
}

// Sync has nothing to do: every Write reaches the kernel.
func (l *logFile) Sync() error { return nil }

// Close ends the writing.
func (l *logFile) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return nil
	}
	err := l.file.Close()
	l.file = nil
	return err
}
