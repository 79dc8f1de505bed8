package harness

import (
	"strings"
	"sync"
)

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
