// Package survive does to the dev stack, in a process of its own, what laptops and CI do to
// it: kill it, freeze it, fill its disk.
package survive_test

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
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
	target.reached(t)
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
		target.reached(t)
		frozen := []int{p.command.Process.Pid}
		if with != "alone" {
			frozen = append(frozen, p.postgresFamily()...)
		}
		p.freeze(frozen...)
		p.succeeds(run)
		target.saw(t, names...)
		target.forget()
		p.healthy()
	}
}

// freeze stops processes for ten seconds.
func (p *process) freeze(pids ...int) {
	p.t.Helper()
	thaw := func() {
		for _, pid := range pids {
			_ = syscall.Kill(pid, syscall.SIGCONT) // one of Postgres's may have ended
		}
	}
	p.t.Cleanup(thaw)
	for _, pid := range pids {
		if err := syscall.Kill(pid, syscall.SIGSTOP); !errors.Is(err, syscall.ESRCH) {
			require.NoError(p.t, err)
		}
	}
	<-time.After(10 * time.Second) // longer than what holds a lease or a connection takes as a pause
	thaw()
}

// postgresFamily is the stack's Postgres server and its children, which are in sessions of their own.
func (p *process) postgresFamily() []int {
	p.t.Helper()
	family := []int{p.postgres()}
	out, err := exec.CommandContext(p.t.Context(), "ps", "-A", "-o", "pid=,ppid=").Output()
	require.NoError(p.t, err)
	for line := range strings.Lines(string(out)) {
		var pid, parent int
		_, err := fmt.Sscan(line, &pid, &parent)
		require.NoError(p.t, err)
		if parent == family[0] {
			family = append(family, pid)
		}
	}
	require.Greater(p.t, len(family), 5, "the stack is connected to it")
	return family
}
