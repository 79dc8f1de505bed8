package devstack_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/devstack"
)

func TestPortsFromAreInARow(t *testing.T) {
	t.Parallel()
	ports, err := devstack.PortsFrom(5000)
	require.NoError(t, err)
	require.Equal(t, devstack.Ports{
		Gateway: 5000, Runner: 5001, Orchestrator: 5002, Notifier: 5003, S3: 5004, Outbox: 5005, Issuer: 5006,
		Redis: 5007, Postgres: 5008, Metrics: 5009, Temporal: 5010, TemporalHTTP: 5011, TemporalUI: 5012,
	}, ports)
	ports, err = devstack.PortsFrom(0)
	require.NoError(t, err)
	require.Equal(t, devstack.DefaultPorts(), ports)
	ports, err = devstack.PortsFrom(65523)
	require.NoError(t, err)
	require.Equal(t, 65535, ports.TemporalUI)
	for _, first := range []int{-1, 80, 1023, 65524, 70000} {
		_, err = devstack.PortsFrom(first)
		require.ErrorContains(t, err, "is not between 1024 and 65523")
	}
}
