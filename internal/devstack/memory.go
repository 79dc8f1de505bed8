package devstack

import "runtime/debug"

const (
	// gcPercent lets the heap grow to four times what is in use: with Go's
	// default, twice, a stack under load spends a sixth of its processor time on collecting it.
	gcPercent   = 300
	goGCPercent = 100
)

// useMemory trades memory for processor time, until the returned function is
// called. A GOGC other than Go's default stands.
func useMemory() (restore func()) {
	before := debug.SetGCPercent(gcPercent)
	if before != goGCPercent {
		debug.SetGCPercent(before)
	}
	return func() { debug.SetGCPercent(before) }
}
