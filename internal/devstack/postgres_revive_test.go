package devstack_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/devstack"
)

// A killed server is started again only as what it was: anything else ends at once, and says why.
func TestPostgresThatCannotBeRevived(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		harm func(t *testing.T, postgres *devstack.Postgres, dir string, port int)
		want string
	}{
		"its folder is gone": {func(t *testing.T, _ *devstack.Postgres, dir string, _ int) {
			t.Helper()
			kill(t, dir)
			require.NoError(t, os.Rename(filepath.Join(dir, "postgres"), filepath.Join(dir, "away")))
		}, "is gone: put the folder back"},
		"its version is another": {func(t *testing.T, _ *devstack.Postgres, dir string, _ int) {
			t.Helper()
			require.NoError(t, os.WriteFile(filepath.Join(dir, "postgres", "PG_VERSION"), []byte("9\n"), 0o600))
			kill(t, dir)
		}, "was made by Postgres 9"},
		"its version is garbled": {func(t *testing.T, _ *devstack.Postgres, dir string, _ int) {
			t.Helper()
			require.NoError(t, os.WriteFile(filepath.Join(dir, "postgres", "PG_VERSION"), []byte("x\n"), 0o600))
			kill(t, dir)
		}, "PG_VERSION is damaged"},
		"its password is another": {func(t *testing.T, postgres *devstack.Postgres, dir string, _ int) {
			t.Helper()
			exec(t, postgres.URL("postgres"), "alter role fairlead password 'another'")
			kill(t, dir)
		}, "has another password than"},
		"its port is taken": {func(t *testing.T, _ *devstack.Postgres, dir string, port int) {
			t.Helper()
			kill(t, dir)
			require.Eventually(t, func() bool {
				listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
				if err == nil {
					t.Cleanup(func() { require.NoError(t, listener.Close()) })
				}
				return err == nil
			}, time.Minute, time.Millisecond)
		}, "which Postgres needs, is taken"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, failed := t.TempDir(), make(chan error, 1)
			postgres, port, err := devstack.StartWatchedPostgres(t.Context(), dir, func(err error) { failed <- err })
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, postgres.Stop(t.Context())) })
			test.harm(t, postgres, dir, port)
			select {
			case err = <-failed:
			case <-time.After(time.Minute):
			}
			require.ErrorContains(t, err, "Postgres ended by itself")
			require.ErrorContains(t, err, test.want)
			require.LessOrEqual(t, strings.Count(err.Error(), "If the cluster in"), 1, "advice is given once")
			if _, away := os.Stat(filepath.Join(dir, "away")); away == nil {
				require.NoDirExists(t, filepath.Join(dir, "postgres"), "no empty cluster takes the place of one that is gone")
			}
		})
	}
}

func kill(t *testing.T, dir string) {
	t.Helper()
	require.NoError(t, syscall.Kill(postmaster(t, dir), syscall.SIGKILL))
}
