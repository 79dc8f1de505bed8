package store_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/store"
)

func TestMigrateUpDownUp(t *testing.T) {
	t.Parallel()
	url := cluster.Database(t)
	ctx := t.Context()
	require.NoError(t, store.Migrate(ctx, url))
	up := tables(t, url)
	require.Subset(t, up, []string{
		"approvals", "audit", "deliveries", "items", "job_versions", "jobs", "log_spool", "runs", "steps", "variables",
	})
	require.NoError(t, store.MigrateTo(ctx, url, 0))
	require.Equal(t, []string{"goose_db_version"}, tables(t, url))
	require.NoError(t, store.Migrate(ctx, url))
	require.Equal(t, up, tables(t, url))
}

// What the URL sets for the pool is no setting of Postgres's.
func TestPoolSettingsInTheURL(t *testing.T) {
	t.Parallel()
	url := cluster.Database(t) + "&pool_max_conns=3&pool_max_conn_idle_time=1m"
	require.NoError(t, store.Migrate(t.Context(), url))
	s, err := store.Open(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	require.NoError(t, s.Ping(t.Context()))
}

func TestSettingThatPostgresRefuses(t *testing.T) {
	t.Parallel()
	for _, setting := range []string{"no_such_setting=1", "statement_timeout=soon"} {
		url := cluster.Database(t) + "&" + setting
		requireCode(t, job.CodeInternal, store.Migrate(t.Context(), url))
		s, err := store.Open(t.Context(), url)
		require.NoError(t, err)
		t.Cleanup(s.Close)
		err = s.Ping(t.Context())
		requireCode(t, job.CodeInternal, err)
		require.ErrorContains(t, err, "setting in its URL")
	}
}

// The previous build is put back while the new one's schema stays, and its deploy begins with a migration.
func TestMigrateLeavesANewerSchemaAlone(t *testing.T) {
	t.Parallel()
	url := cluster.Database(t)
	current, known, err := store.Versions(t.Context(), url)
	require.NoError(t, err)
	require.Zero(t, current)
	require.NoError(t, store.Migrate(t.Context(), url))
	current, _, err = store.Versions(t.Context(), url)
	require.NoError(t, err)
	require.Equal(t, known, current)
	before := tables(t, url)
	connection, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, connection.Close(context.WithoutCancel(t.Context()))) })
	_, err = connection.Exec(t.Context(), "insert into goose_db_version (version_id, is_applied) values (9999, true)")
	require.NoError(t, err)
	require.NoError(t, store.Migrate(t.Context(), url))
	current, _, err = store.Versions(t.Context(), url)
	require.NoError(t, err)
	require.EqualValues(t, 9999, current)
	require.Equal(t, before, tables(t, url))
}

func TestMigrateAtOnce(t *testing.T) {
	t.Parallel()
	url := cluster.Database(t)
	group, ctx := errgroup.WithContext(t.Context())
	for range 3 {
		group.Go(func() error { return store.Migrate(ctx, url) })
	}
	require.NoError(t, group.Wait())
}

func TestOpenRefusesURL(t *testing.T) {
	t.Parallel()
	_, err := store.Open(t.Context(), "postgres://user:pa ss@[")
	requireCode(t, job.CodeMalformed, err)
}

func TestAwayIsUnavailable(t *testing.T) {
	t.Parallel()
	away := "postgres://nobody:secret@127.0.0.1:1/none?sslmode=disable"
	s, err := store.Open(t.Context(), away)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	_, err = s.Run(t.Context(), "run_x")
	requireCode(t, job.CodeUnavailable, err)
	requireCode(t, job.CodeUnavailable, store.Migrate(t.Context(), away))
}

func TestCanceledContext(t *testing.T) {
	t.Parallel()
	s := cluster.Store(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Run(ctx, "run_x")
	require.ErrorIs(t, err, context.Canceled)
	var failed *job.Error
	require.ErrorAs(t, err, &failed)
	require.Equal(t, "read a run was canceled: try again", failed.Message, "the cause is for the log")
}

func tables(t *testing.T, url string) []string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(t.Context())) }()
	rows, err := conn.Query(t.Context(), "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1")
	require.NoError(t, err)
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return names
}
