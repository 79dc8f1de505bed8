package devstack_test

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/devstack"
)

//nolint:paralleltest // one S3 server in a process, and it moves the working directory
func TestDatabaseOfOnesOwn(t *testing.T) {
	server, err := devstack.StartPostgres(t.Context(), t.TempDir(), 0, quiet())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop(t.Context())) })
	require.NoError(t, server.CreateDatabase(t.Context(), "mine"))
	mine, err := url.Parse(server.URL("mine"))
	require.NoError(t, err)
	as := func(user string) string {
		login := *mine
		login.User = url.UserPassword(user, "p@ss/word")
		return login.String()
	}

	exec(t, mine.String(), `create role "guest" login password 'p@ss/word'`)
	options := options(t)
	options.DatabaseURL = as("guest") + "&pool_max_conns=7&pool_max_conn_idle_time=1m" // pgxpool's own
	_, err = devstack.Start(t.Context(), options)
	refused := new(devstack.DatabaseRefusedError)
	require.ErrorAs(t, err, &refused)
	require.Contains(t, refused.SQL, `CREATE DATABASE temporal_visibility OWNER "guest";`)

	exec(t, mine.String(), `alter role "guest" createdb`)
	stack := start(t, options)
	require.Equal(t, options.DatabaseURL, stack.Config().DatabaseURL)
	require.Nil(t, stack.Part("Postgres"))
	submit(t, dial(t, stack), "elsewhere")
}
