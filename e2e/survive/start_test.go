package survive_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// Whenever it is told to stop, a stack that is starting ends cleanly, leaves nothing running,
// and the next start on its folder goes on.
func TestToldToStopWhileStarting(t *testing.T) {
	t.Parallel()
	p := newProcess(t, filepath.Join(t.TempDir(), "stack"))
	for name, begun := range map[string]func() bool{
		"with the folder taken":      func() bool { return p.has("lock") },
		"while the cluster is made":  func() bool { return p.has("postgres.new") },
		"while Postgres starts":      func() bool { return p.has("postgres", "postmaster.pid") },
		"while Temporal is prepared": func() bool { return p.has("temporal.log") },
	} {
		require.NoError(t, os.RemoveAll(p.dir))
		p.launch()
		require.Eventually(t, func() bool { return begun() || p.over() }, patience, time.Millisecond, name)
		require.False(t, p.over(), "%s: %s", name, p.said)
		p.signal(syscall.SIGTERM)
		require.Zero(t, p.end(), "%s: %s", name, p.said)
		require.False(t, p.has("postgres", "postmaster.pid"), "%s: a server is left", name)
		require.True(t, rowIsFree(p.first), "%s: a port is still taken", name)
	}
	p.start()
	p.healthy()

	second := newProcess(t, p.dir)
	second.launch()
	require.Equal(t, 1, second.end())
	require.Contains(t, second.said.String(), "already running (process "+strconv.Itoa(p.command.Process.Pid)+") on "+p.dir)

	elsewhere := newProcess(t, filepath.Join(t.TempDir(), "stack"))
	elsewhere.first = p.first
	elsewhere.launch()
	require.Equal(t, 1, elsewhere.end())
	for port := p.first; port < p.first+portsNeeded; port++ {
		if port != p.first+8 { // a private Postgres's is looked at last
			require.Contains(t, elsewhere.said.String(), "port "+strconv.Itoa(port)+", which ")
		}
	}
	if runtime.GOOS == "linux" { // nowhere else can it be known whose a port is
		require.Contains(t, elsewhere.said.String(), "taken by process "+strconv.Itoa(p.command.Process.Pid)+" (fairlead-dev)")
	}
	require.Contains(t, elsewhere.said.String(), "--ports-from")
}

// An older build leaves a folder alone that a newer one has used.
func TestFolderOfANewerBuild(t *testing.T) {
	t.Parallel()
	p := newProcess(t, filepath.Join(t.TempDir(), "stack"))
	p.start()
	password, err := os.ReadFile(filepath.Join(p.dir, "postgres-password"))
	require.NoError(t, err)
	database, err := pgx.Connect(t.Context(), fmt.Sprintf("postgres://fairlead:%s@127.0.0.1:%d/fairlead", strings.TrimSpace(string(password)), p.first+8))
	require.NoError(t, err)
	_, err = database.Exec(t.Context(), "insert into goose_db_version (version_id, is_applied) values (9999, true)")
	require.NoError(t, err)
	require.NoError(t, database.Close(t.Context()))
	p.signal(syscall.SIGTERM)
	require.Zero(t, p.end())
	p.launch()
	require.Equal(t, 1, p.end())
	require.Contains(t, p.said.String(), "the database has schema version 9999")
	require.Contains(t, p.said.String(), "choose another folder (--dir)")
}

// has tells whether the stack's folder has a file.
func (p *process) has(names ...string) bool {
	_, err := os.Stat(filepath.Join(append([]string{p.dir}, names...)...))
	return err == nil
}
