package devstack

import (
	"math"
	"runtime/debug"
)

const (
	// gcPercent lets the heap grow to five times what is in use: with Go's
	// default, twice, a stack under load spends a sixth of its processor time on collecting it.
	gcPercent   = 400
	goGCPercent = 100
	// memoryLimit is the size from which on the collector works as hard as it takes.
	memoryLimit = 1 << 30
)

// useMemory trades memory for processor time, until the returned function is
// called. What GOGC or GOMEMLIMIT say stands.
func useMemory() (restore func()) {
	percent := debug.SetGCPercent(gcPercent)
	if percent != goGCPercent {
		debug.SetGCPercent(percent)
	}
	limit := debug.SetMemoryLimit(memoryLimit)
	if limit != math.MaxInt64 {
		debug.SetMemoryLimit(limit)
	}
	return func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
	}
}
