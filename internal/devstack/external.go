package devstack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// databaseVariable is where a person set the server that we were given.
	databaseVariable = "FAIRLEAD_DATABASE_URL"
	externalTimeout  = 15 * time.Second
)

// DatabaseRefusedError says what we may not do on the Postgres server that we were given, and
// which statements its administrator has to run instead, once.
type DatabaseRefusedError struct {
	// User is who we connected as, SQL what to run as an administrator (in psql).
	User, SQL string
}

func (e *DatabaseRefusedError) Error() string {
	return fmt.Sprintf("%s: user %s may not make what Fairlead needs on this Postgres server; ask its administrator to run, in psql:\n%s", databaseVariable, e.User, e.SQL)
}

// externalServer is what a Postgres server says of itself and of us.
type externalServer struct {
	Version      int  // such as 150018 for 15.18
	BtreeGin     bool // the extension can be had
	MayTables    bool // we may make tables in our database
	MayDatabases bool
	Databases    []string // those of Temporal's that are there
}

// checkExternal says in words, before anything is changed on it, what keeps a server that we
// were given from being used.
func checkExternal(ctx context.Context, databaseURL string) error {
	if u, err := url.Parse(databaseURL); err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
		return fmt.Errorf("%s is not a URL such as postgres://user:password@host:5432/fairlead (special characters in the password are escaped, @ as %%40)", databaseVariable)
	}
	settings, err := connectionConfig(databaseURL)
	if err != nil {
		return fmt.Errorf("%s: %w", databaseVariable, err)
	}
	if spaced(databaseURL, settings.Password) {
		return fmt.Errorf("%s: Temporal's driver can't take a space in the password or in a parameter: choose another password, or set the parameter on the role", databaseVariable)
	}
	ctx, cancel := context.WithTimeout(ctx, externalTimeout)
	defer cancel()
	connection, err := pgx.ConnectConfig(ctx, settings)
	if err != nil {
		return unreachable(settings, err)
	}
	defer func() { _ = connection.Close(context.WithoutCancel(ctx)) }()
	server, err := askServer(ctx, connection)
	if err != nil {
		return fmt.Errorf("%s: ask the server what it is: %w", databaseVariable, err)
	}
	return server.check(settings)
}

// spaced tells whether a space is where Temporal would write it as a plus sign.
func spaced(databaseURL, password string) bool {
	u, err := url.Parse(databaseURL)
	if err != nil {
		return false
	}
	values := []string{password}
	for _, more := range u.Query() {
		values = append(values, more...)
	}
	return slices.ContainsFunc(values, func(value string) bool { return strings.Contains(value, " ") })
}

// unreachable says why there is no connection, and what to do.
func unreachable(settings *pgx.ConnConfig, err error) error {
	const wrongPassword, noLogin, noDatabase = "28P01", "28000", "3D000"
	where := net.JoinHostPort(settings.Host, strconv.Itoa(int(settings.Port)))
	code := new(pgconn.PgError)
	if errors.As(err, &code) {
		switch code.Code {
		case wrongPassword:
			return fmt.Errorf("%s: the Postgres server at %s does not let user %q in: check the name and the password: %w", databaseVariable, where, settings.User, err)
		case noLogin:
			return fmt.Errorf("%s: the Postgres server at %s does not let user %q in: %w", databaseVariable, where, settings.User, err)
		case noDatabase:
			return fmt.Errorf("%s: the Postgres server at %s has no database %q; ask its administrator to run: CREATE DATABASE %s OWNER %s;",
				databaseVariable, where, settings.Database, quoted(settings.Database), quoted(settings.User))
		}
	}
	return fmt.Errorf("%s: no connection to the Postgres server at %s: %w", databaseVariable, where, err)
}

func askServer(ctx context.Context, connection *pgx.Conn) (externalServer, error) {
	rows, err := connection.Query(ctx, `select
		current_setting('server_version_num')::int as version,
		exists (select from pg_available_extensions where name = 'btree_gin') as btree_gin,
		coalesce(has_schema_privilege(current_schema(), 'create'), false) as may_tables,
		(select rolcreatedb or rolsuper from pg_roles where rolname = current_user) as may_databases,
		array(select datname::text from pg_database where datname = any($1)) as databases`, []string{temporalDatabase, visibilityDatabase})
	if err != nil {
		return externalServer{}, err
	}
	return pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[externalServer])
}

func (s externalServer) check(settings *pgx.ConnConfig) error {
	if s.Version < minPostgres*10_000 {
		return fmt.Errorf("%s: the server is Postgres %d.%d; Fairlead and Temporal need %d or newer", databaseVariable, s.Version/10_000, s.Version%10_000, minPostgres)
	}
	if !s.BtreeGin {
		return fmt.Errorf("%s: the server lacks the extension btree_gin, which Temporal needs: install Postgres's contrib package on it", databaseVariable)
	}
	owner := quoted(settings.User)
	var needed []string
	if !s.MayDatabases {
		for _, name := range []string{temporalDatabase, visibilityDatabase} {
			if !slices.Contains(s.Databases, name) {
				needed = append(needed, fmt.Sprintf("CREATE DATABASE %s OWNER %s;", name, owner))
			}
		}
	}
	if !s.MayTables {
		needed = append(needed, `\connect `+quoted(settings.Database), "GRANT CREATE ON SCHEMA public TO "+owner+";")
	}
	if len(needed) == 0 {
		return nil
	}
	return &DatabaseRefusedError{User: settings.User, SQL: strings.Join(needed, "\n")}
}

func quoted(name string) string { return pgx.Identifier{name}.Sanitize() }
