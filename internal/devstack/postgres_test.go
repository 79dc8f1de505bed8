package devstack_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/devstack"
)

func exec(t *testing.T, url, statement string, into ...any) {
	t.Helper()
	connection, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer func() { require.NoError(t, connection.Close(t.Context())) }()
	if len(into) == 0 {
		_, err = connection.Exec(t.Context(), statement)
	} else {
		err = connection.QueryRow(t.Context(), statement).Scan(into...)
	}
	require.NoError(t, err)
}

func postmaster(t *testing.T, dir string) int {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "postgres", "postmaster.pid"))
	require.NoError(t, err)
	first, _, _ := strings.Cut(string(raw), "\n")
	pid, err := strconv.Atoi(first)
	require.NoError(t, err)
	return pid
}

//nolint:tparallel // its subtests follow one another on one cluster
func TestPostgresKeepsWhatWasCommitted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	postgres, err := devstack.StartPostgres(t.Context(), dir, 0, quiet())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, postgres.Stop(t.Context())) })
	require.NoError(t, postgres.CreateDatabase(t.Context(), "fairlead"))
	require.NoError(t, postgres.CreateDatabase(t.Context(), "fairlead"), "an existing database is left as it is")
	exec(t, postgres.URL("fairlead"), "create table kept as select 42 as n")

	t.Run("over a restart", func(t *testing.T) {
		require.NoError(t, postgres.Stop(t.Context()))
		require.NoError(t, postgres.Start(t.Context()))
		var n int
		exec(t, postgres.URL("fairlead"), "select n from kept", &n)
		require.Equal(t, 42, n)
	})
	t.Run("over kill -9", func(t *testing.T) {
		exec(t, postgres.URL("fairlead"), "insert into kept values (43)")
		require.NoError(t, syscall.Kill(postmaster(t, dir), syscall.SIGKILL))
		require.NoError(t, postgres.Stop(t.Context()))
		require.NoError(t, postgres.Start(t.Context()))
		var n int
		exec(t, postgres.URL("fairlead"), "select sum(n) from kept", &n)
		require.Equal(t, 85, n)
	})
	t.Run("durably", func(t *testing.T) {
		for setting, want := range map[string]string{"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"} {
			var value string
			exec(t, postgres.URL("fairlead"), "show "+setting, &value)
			require.Equal(t, want, value, setting)
		}
	})
}

// A process that was killed leaves its server running on the folder; the next start takes the folder over.
func TestPostgresLeftRunningIsStopped(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	left, err := devstack.StartPostgres(t.Context(), dir, 0, quiet())
	require.NoError(t, err)
	require.NoError(t, left.CreateDatabase(t.Context(), "kept"))
	orphan := postmaster(t, dir)

	next, err := devstack.StartPostgres(t.Context(), dir, 0, quiet())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, next.Stop(t.Context())) })
	require.NotEqual(t, orphan, postmaster(t, dir))
	exec(t, next.URL("kept"), "select 1", new(int))
	require.NoError(t, left.Stop(t.Context()))
}

// After a reboot, or in a copied folder, a pid file names what is somebody else's server by now.
func TestPostgresOfAnotherFolderIsLeftAlone(t *testing.T) {
	t.Parallel()
	dir, otherDir := t.TempDir(), t.TempDir()
	other, err := devstack.StartPostgres(t.Context(), otherDir, 0, quiet())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, other.Stop(t.Context())) })
	foreign, err := os.ReadFile(filepath.Join(otherDir, "postgres", "postmaster.pid"))
	require.NoError(t, err)
	mine, err := devstack.StartPostgres(t.Context(), dir, 0, quiet())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, mine.Stop(t.Context())) })
	require.NoError(t, mine.Stop(t.Context()))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "postgres", "postmaster.pid"), foreign, 0o600))

	require.NoError(t, mine.Start(t.Context()))
	exec(t, mine.URL("postgres"), "select 1", new(int))
	exec(t, other.URL("postgres"), "select 1", new(int))
	require.True(t, devstack.StaleRuns(string(foreign), filepath.Join(otherDir, "postgres")))
	require.True(t, devstack.ProcessStartedWith(string(foreign)), "where a process's folder can't be seen")
	lines := strings.Split(string(foreign), "\n")
	lines[2] = "1700000000"
	require.False(t, devstack.ProcessStartedWith(strings.Join(lines, "\n")))
}

func TestPostgresFolder(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		prepare func(t *testing.T, dir string)
		want    string
	}{
		"files that are no cluster are not touched": {
			prepare: func(t *testing.T, dir string) {
				t.Helper()
				require.NoError(t, os.MkdirAll(filepath.Join(dir, "postgres"), 0o700))
				require.NoError(t, os.WriteFile(filepath.Join(dir, "postgres", "letter"), nil, 0o600))
			},
			want: "no Postgres cluster",
		},
		"a cluster of a version that is not to be had": {
			prepare: func(t *testing.T, dir string) {
				t.Helper()
				require.NoError(t, os.MkdirAll(filepath.Join(dir, "postgres"), 0o700))
				require.NoError(t, os.WriteFile(filepath.Join(dir, "postgres", "PG_VERSION"), []byte("9\n"), 0o600))
			},
			want: "made by Postgres 9",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			test.prepare(t, dir)
			_, err := devstack.StartPostgres(t.Context(), dir, 0, quiet())
			require.ErrorContains(t, err, test.want)
		})
	}
	t.Run("a pid file left by another boot does not stop the start", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		postgres, err := devstack.StartPostgres(t.Context(), dir, 0, quiet())
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, postgres.Stop(t.Context())) })
		require.NoError(t, postgres.Stop(t.Context()))
		pid := []byte(strconv.Itoa(os.Getpid()) + "\n" + filepath.Join(dir, "postgres") + "\n1\n1\n\n127.0.0.1\n")
		require.NoError(t, os.WriteFile(filepath.Join(dir, "postgres", "postmaster.pid"), pid, 0o600))
		require.NoError(t, postgres.Start(t.Context()))
	})
}
