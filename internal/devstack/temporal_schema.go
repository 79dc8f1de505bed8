package devstack

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/tools/common/schema"
	sqltool "go.temporal.io/server/tools/sql"
	"golang.org/x/sync/errgroup"
)

// DatabaseRefusedError says that the Postgres server we were given does not let us make a
// database, and which statements its administrator has to run instead.
type DatabaseRefusedError struct {
	// User is who we connected as, SQL what to run as an administrator.
	User, SQL string
	cause     error
}

func (e *DatabaseRefusedError) Error() string {
	return fmt.Sprintf("user %s may not create databases on this Postgres server; ask its administrator to run:\n%s", e.User, e.SQL)
}

// Unwrap returns Postgres's answer.
func (e *DatabaseRefusedError) Unwrap() error { return e.cause }

// prepareDatabases makes Temporal's two databases or brings them up to this server's schema.
func prepareDatabases(ctx context.Context, databaseURL string, logger log.Logger) error {
	var group errgroup.Group
	for database, versions := range map[string]string{
		temporalDatabase:   "postgresql/v12/temporal",
		visibilityDatabase: "postgresql/v12/visibility",
	} {
		group.Go(func() error {
			if err := prepareDatabase(ctx, databaseURL, database, versions, logger); err != nil {
				return fmt.Errorf("database %s: %w", database, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// prepareDatabase fills a new database under another name and renames it when complete, so
// that a start that was killed half way leaves nothing to repair.
func prepareDatabase(ctx context.Context, databaseURL, database, versions string, logger log.Logger) error {
	admin, err := connect(ctx, databaseURL)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = admin.Close(context.WithoutCancel(ctx)) }()
	var exists bool
	if err := admin.QueryRow(ctx, "select exists (select from pg_database where datname = $1)", database).Scan(&exists); err != nil {
		return fmt.Errorf("look for it: %w", err)
	}
	if exists {
		return updateSchema(databaseURL, database, versions, logger)
	}
	making := pgx.Identifier{database + "_new"}
	for _, statement := range []string{"drop database if exists " + making.Sanitize(), "create database " + making.Sanitize()} {
		if _, err := admin.Exec(ctx, statement); err != nil {
			return refused(err, databaseURL)
		}
	}
	if err := updateSchema(databaseURL, making[0], versions, logger); err != nil {
		return err
	}
	if err := renameSchema(ctx, databaseURL, making[0], database); err != nil {
		return err
	}
	rename := fmt.Sprintf("alter database %s rename to %s", making.Sanitize(), pgx.Identifier{database}.Sanitize())
	if _, err := admin.Exec(ctx, rename); err != nil {
		return fmt.Errorf("rename: %w", err)
	}
	return nil
}

// renameSchema changes the name that the schema tool has written into the database it filled.
func renameSchema(ctx context.Context, databaseURL, from, to string) error {
	settings, err := connectionConfig(databaseURL)
	if err != nil {
		return err
	}
	settings.Database = from
	connection, err := pgx.ConnectConfig(ctx, settings)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = connection.Close(context.WithoutCancel(ctx)) }()
	if _, err := connection.Exec(ctx, "update schema_version set db_name = $1 where db_name = $2", to, from); err != nil {
		return fmt.Errorf("name the schema: %w", err)
	}
	return nil
}

// refused names the way out when the error is Postgres's insufficient_privilege.
func refused(err error, databaseURL string) error {
	const insufficientPrivilege = "42501"
	if code := new(pgconn.PgError); !errors.As(err, &code) || code.Code != insufficientPrivilege {
		return fmt.Errorf("create: %w", err)
	}
	user := ""
	if u, errURL := url.Parse(databaseURL); errURL == nil {
		user = u.User.Username()
	}
	owner := pgx.Identifier{user}.Sanitize()
	return &DatabaseRefusedError{User: user, cause: err, SQL: fmt.Sprintf(
		"CREATE DATABASE %s OWNER %s;\nCREATE DATABASE %s OWNER %s;\n\\connect %s\nCREATE EXTENSION IF NOT EXISTS btree_gin;",
		temporalDatabase, owner, visibilityDatabase, owner, visibilityDatabase)}
}

// updateSchema applies what the database lacks of the schema that the server's module embeds.
func updateSchema(databaseURL, database, versions string, logger log.Logger) error {
	settings, err := sqlConfig(databaseURL, database, 1)
	if err != nil {
		return err
	}
	connection, err := sqltool.NewConnection(settings, logger)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer connection.Close()
	if _, err := connection.ReadSchemaVersion(); err != nil {
		setup := schema.NewSetupSchemaTask(connection, &schema.SetupConfig{InitialVersion: "0.0"}, logger)
		if err := setup.Run(); err != nil {
			return fmt.Errorf("set up the schema: %w", err)
		}
	}
	update := schema.NewUpdateSchemaTask(connection, &schema.UpdateConfig{DBName: database, SchemaName: path.Clean(versions)}, logger)
	if err := update.Run(); err != nil {
		return fmt.Errorf("update the schema: %w", err)
	}
	return nil
}
