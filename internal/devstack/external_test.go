package devstack_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/devstack"
	"github.com/fairlead/fairlead/internal/store"
)

// database is a server that stands for somebody else's, and its administrator's URL of a database for us.
func database(t *testing.T) (server *devstack.Postgres, mine *url.URL) {
	t.Helper()
	server, err := devstack.StartPostgres(t.Context(), t.TempDir(), 0, quiet())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop(t.Context())) })
	require.NoError(t, server.CreateDatabase(t.Context(), "mine"))
	mine, err = url.Parse(server.URL("mine"))
	require.NoError(t, err)
	return server, mine
}

// A role that may do nothing is told what it lacks, and needs nothing else.
//
//nolint:paralleltest // one S3 server in a process, and it moves the working directory
func TestDatabaseOfOnesOwn(t *testing.T) {
	_, mine := database(t)
	// special has what a URL has to escape; Temporal's driver builds URLs of its own from it.
	const special = "p@ss/w:ord?#&+%"
	exec(t, mine.String(), `create role "we ird" login password '`+special+`'`)
	login := *mine
	login.User = url.UserPassword("we ird", special)
	options := options(t)
	options.DatabaseURL = login.String() + "&pool_max_conns=7&pool_max_conn_idle_time=1m" // pgxpool's own

	_, err := devstack.Start(t.Context(), options)
	refused := new(devstack.DatabaseRefusedError)
	require.ErrorAs(t, err, &refused)
	require.ErrorContains(t, err, "FAIRLEAD_DATABASE_URL")
	require.Equal(t, `CREATE DATABASE temporal OWNER "we ird";
CREATE DATABASE temporal_visibility OWNER "we ird";
\connect "mine"
GRANT CREATE ON SCHEMA public TO "we ird";`, refused.SQL)
	for line := range strings.Lines(refused.SQL) {
		if !strings.HasPrefix(line, `\connect`) { // the administrator's connection is to that database
			exec(t, mine.String(), line)
		}
	}

	stack := start(t, options)
	require.Equal(t, options.DatabaseURL, stack.Config().DatabaseURL)
	require.Nil(t, stack.Part("Postgres"))
	require.NoError(t, store.Migrate(t.Context(), stack.Config().DatabaseURL))
	submit(t, dial(t, stack), "elsewhere")
}

//nolint:paralleltest // one S3 server in a process, and it moves the working directory
func TestTemporalsSchemaOfAnotherBuild(t *testing.T) {
	server, mine := database(t)
	options := options(t)
	options.DatabaseURL = mine.String()
	require.NoError(t, start(t, options).Stop(t.Context()))
	version := func() (version string) {
		exec(t, server.URL("temporal"), "select curr_version from schema_version", &version)
		return version
	}
	present := version()

	for name, age := range map[string]string{"temporal": "1.18", "temporal_visibility": "1.13"} {
		exec(t, server.URL(name), "update schema_version set curr_version = '"+age+"'")
	}
	require.NoError(t, start(t, options).Stop(t.Context()), "an older build's schema is upgraded")
	require.Equal(t, present, version())

	exec(t, server.URL("temporal"), "update schema_version set curr_version = '99.0'")
	_, err := devstack.Start(t.Context(), options)
	require.ErrorContains(t, err, "database temporal: it has Temporal's schema 99.0, which is newer than this build knows")
	require.Equal(t, "99.0", version(), "it is left as it is")
}

func TestDatabaseThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	server, err := devstack.StartPostgres(t.Context(), t.TempDir(), 0, quiet())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop(t.Context())) })
	good := server.URL("postgres")
	parsed, err := url.Parse(good)
	require.NoError(t, err)
	wrong := *parsed
	wrong.User = url.UserPassword("fairlead", "wrong")
	for name, test := range map[string]struct{ url, want string }{
		"a wrong password":          {wrong.String(), `does not let user "fairlead" in: check the name and the password`},
		"a missing database":        {server.URL("nope"), `has no database "nope"; ask its administrator to run: CREATE DATABASE "nope" OWNER "fairlead";`},
		"no server":                 {"postgres://u:p@127.0.0.1:1/x", "no connection to the Postgres server at 127.0.0.1:1"},
		"encryption that it lacks":  {strings.Replace(good, "sslmode=disable", "sslmode=require", 1), "no connection"},
		"no URL":                    {"host=127.0.0.1 user=fairlead", "is not a URL such as"},
		"a space in what it passes": {good + "&options=-c%20jit%3Doff", "can't take a space"},
	} {
		err := devstack.CheckExternal(t.Context(), test.url)
		require.ErrorContains(t, err, "FAIRLEAD_DATABASE_URL", name)
		require.ErrorContains(t, err, test.want, name)
	}
	require.NoError(t, devstack.CheckExternal(t.Context(), good))
	require.ErrorContains(t, devstack.CheckServer(120004, true), "the server is Postgres 12.4; Fairlead and Temporal need 13 or newer")
	require.ErrorContains(t, devstack.CheckServer(150000, false), "lacks the extension btree_gin")
}
