package devstack

import (
	"math"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"
)

//nolint:paralleltest // the collector's settings are the process's
func TestMemorySettingsOfTheEnvironmentStand(t *testing.T) {
	settings := func(percent int, limit int64) {
		t.Helper()
		require.Equal(t, percent, debug.SetGCPercent(percent))
		require.Equal(t, limit, debug.SetMemoryLimit(-1))
	}
	settings(goGCPercent, math.MaxInt64)
	restore := useMemory()
	settings(gcPercent, memoryLimit)
	restore()
	settings(goGCPercent, math.MaxInt64)

	debug.SetGCPercent(50)
	debug.SetMemoryLimit(1 << 40)
	restore = useMemory()
	settings(50, 1<<40)
	restore()
	debug.SetGCPercent(goGCPercent)
	debug.SetMemoryLimit(math.MaxInt64)
}
