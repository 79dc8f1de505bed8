package devstack_test

import (
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/devstack"
)

//nolint:paralleltest // the collector's setting is the process's
func TestUseMemory(t *testing.T) {
	before := debug.SetGCPercent(100)
	t.Cleanup(func() { debug.SetGCPercent(before) })
	restore := devstack.UseMemory()
	require.Equal(t, 300, debug.SetGCPercent(300))
	restore()
	require.Equal(t, 100, debug.SetGCPercent(50))

	restore = devstack.UseMemory()
	require.Equal(t, 50, debug.SetGCPercent(50), "what GOGC says stands")
	restore()
	require.Equal(t, 50, debug.SetGCPercent(100))
}
