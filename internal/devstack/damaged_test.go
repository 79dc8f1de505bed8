package devstack_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/devstack"
)

func TestClusterThatIsNone(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ file, content, want string }{
		"another version":  {"postgres/PG_VERSION", "9\n", "the cluster was made by Postgres 9"},
		"a garbled one":    {"postgres/PG_VERSION", "x\n", "PG_VERSION is damaged"},
		"no version":       {"postgres/base", "", "holds files but is no Postgres cluster"},
		"a file for a dir": {"postgres", "x", "should be a folder with a Postgres cluster"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, test.file)
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
			require.NoError(t, os.WriteFile(path, []byte(test.content), 0o600))
			_, err := devstack.StartPostgres(t.Context(), dir, 0, quiet())
			require.ErrorContains(t, err, test.want)
			require.ErrorContains(t, err, "move", "it says what to do")
			raw, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, test.content, string(raw), "it is left as it is")
		})
	}
}

func TestDamagedPassword(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "postgres-password")
	require.NoError(t, os.WriteFile(path, []byte("\xda\x00abc"), 0o600))
	_, err := devstack.StartPostgres(t.Context(), dir, 0, quiet())
	require.EqualError(t, err, path+" is damaged: put back a copy of it")
}

func TestLostClusterIsSaid(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var said bytes.Buffer
	log := slog.New(slog.NewTextHandler(&said, nil))
	for _, want := range []bool{false, true} {
		postgres, err := devstack.StartPostgres(t.Context(), dir, 0, log)
		require.NoError(t, err)
		require.NoError(t, postgres.Stop(t.Context()))
		require.Equal(t, want, strings.Contains(said.String(), "makes an empty one"))
		require.NoError(t, os.RemoveAll(filepath.Join(dir, "postgres")))
	}
}

func TestDamagedCluster(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	postgres, err := devstack.StartPostgres(t.Context(), dir, 0, quiet())
	require.NoError(t, err)
	require.NoError(t, postgres.Stop(t.Context()))
	control := filepath.Join(dir, "postgres", "global", "pg_control")
	garbage := make([]byte, 8192)
	_, _ = rand.Read(garbage)
	require.NoError(t, os.WriteFile(control, garbage, 0o600))
	err = postgres.Start(t.Context())
	require.ErrorContains(t, err, "If the cluster in "+filepath.Join(dir, "postgres")+" is damaged, put back a copy")
	raw, err := os.ReadFile(control)
	require.NoError(t, err)
	require.Equal(t, garbage, raw, "it is left as it is")
}

func TestAdvice(t *testing.T) {
	t.Parallel()
	const disk, folder, server = "disk full: free some space on the disk that holds /data", "choose another with --dir", "the disk of the Postgres server that FAIRLEAD_DATABASE_URL names is full"
	theirs := "postgres://elsewhere/fairlead"
	for name, test := range map[string]struct {
		err      error
		database string
		want     string // "" for an error that nothing is added to
	}{
		"a full disk":                {&fs.PathError{Op: "write", Path: "/data/x", Err: syscall.ENOSPC}, theirs, disk},
		"a full one elsewhere":       {&fs.PathError{Op: "write", Path: "/cache/x", Err: syscall.ENOSPC}, "", ""},
		"our server's":               {&pgconn.PgError{Code: "53100"}, "", disk},
		"our server's last words":    {errors.New("PANIC: could not write: No space left on device"), "", disk},
		"another server's":           {&pgconn.PgError{Code: "53100"}, theirs, server},
		"another server's words":     {errors.New("could not extend file: No space left on device"), theirs, server},
		"a read-only one":            {&fs.PathError{Op: "open", Path: "/data/x", Err: syscall.EROFS}, "", folder},
		"a folder that leads there":  {&fs.PathError{Op: "mkdir", Path: "/", Err: syscall.EACCES}, "", folder},
		"another one's folder":       {&os.LinkError{Op: "rename", Old: "/data/a", New: "/data/b", Err: syscall.EACCES}, "", folder},
		"a file of somebody else's":  {&fs.PathError{Op: "open", Path: "/database/x", Err: syscall.EACCES}, "", ""},
		"a taken port":               {&devstack.PortTakenError{Port: 4000, Part: "the gateway"}, "", "--ports-from"},
		"what nobody can do for you": {os.ErrDeadlineExceeded, "", ""},
	} {
		err := devstack.Options{Dir: "/data", DatabaseURL: test.database}.Advise(test.err)
		require.ErrorIs(t, err, test.err, name)
		require.ErrorContains(t, err, test.want, name)
		if test.want == "" {
			require.Equal(t, test.err, err, name)
		}
	}
	require.NoError(t, devstack.Options{Dir: "/data"}.Advise(nil))
}
