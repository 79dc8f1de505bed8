// Package survive does to the dev stack, in a process of its own, what laptops and CI do to
// it: kill it, freeze it, fill its disk.
package survive_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const stepCount = 10

// A killed process says nothing: its Postgres may still be there, a call's outcome is
// unknown. The next start on the folder has to bring the run to its end.
func TestKilledInTheMiddleOfARun(t *testing.T) {
	t.Parallel()
	target, names := newTarget(t), steps(stepCount)
	p := newProcess(t, t.TempDir())
	p.start()
	p.publish(chain(target.URL, names))
	target.holdAt("s5")
	run := p.accept("killed")
	require.NoError(t, target.reached(t.Context()))
	p.signal(syscall.SIGKILL)
	require.Equal(t, -1, p.end())

	p.start()
	require.Equal(t, run, p.accept("killed"), "the acknowledged run is still that of its key")
	p.succeeds(run)
	target.saw(t, names...)
	require.Greater(t, target.calls("s5"), 1, "the call that was cut off is made again")
	p.healthy()
}

// A laptop that sleeps stops every process for a while, and the clock goes on.
func TestFrozenInTheMiddleOfARun(t *testing.T) {
	t.Parallel()
	target, names := newTarget(t), steps(stepCount)
	p := newProcess(t, t.TempDir())
	p.start()
	p.publish(chain(target.URL, names))
	for _, with := range []string{"alone", "with-postgres"} {
		target.holdAt("s5")
		run := p.accept(with)
		require.NoError(t, target.reached(t.Context()))
		frozen := []int{p.command.Process.Pid}
		if with != "alone" {
			frozen = append(frozen, -p.postgresGroup())
		}
		p.freeze(frozen...)
		p.succeeds(run)
		target.saw(t, names...)
		target.forget()
		p.healthy()
	}
}

// freeze stops processes (or, negative, groups of them) for ten seconds.
func (p *process) freeze(pids ...int) {
	p.t.Helper()
	for _, pid := range pids {
		require.NoError(p.t, syscall.Kill(pid, syscall.SIGSTOP))
	}
	<-time.After(10 * time.Second) // longer than what holds a lease or a connection takes as a pause
	for _, pid := range pids {
		require.NoError(p.t, syscall.Kill(pid, syscall.SIGCONT))
	}
}

// postgresGroup is the process group of the stack's Postgres: the server and its children.
func (p *process) postgresGroup() int {
	p.t.Helper()
	group, err := syscall.Getpgid(p.postgres())
	require.NoError(p.t, err)
	return group
}
