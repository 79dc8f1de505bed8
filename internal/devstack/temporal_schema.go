package devstack

import (
	"context"
	"fmt"
	"path"

	"github.com/jackc/pgx/v5"
	"go.temporal.io/server/common/log"
	embedded "go.temporal.io/server/schema/postgresql/v12"
	"go.temporal.io/server/tools/common/schema"
	sqltool "go.temporal.io/server/tools/sql"
	"golang.org/x/sync/errgroup"
)

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
			return fmt.Errorf("create: %w", err)
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
	current, err := connection.ReadSchemaVersion()
	if err == nil && newerSchema(current, path.Base(versions)) {
		return fmt.Errorf("it has Temporal's schema %s, which is newer than this build knows: a newer build has used it. Start that build, or choose another folder (--dir) or database (FAIRLEAD_DATABASE_URL)", current)
	}
	if err != nil {
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

// newerSchema tells whether a version such as 1.19 is above the one that the server's module embeds.
func newerSchema(current, name string) bool {
	known := map[string]string{"temporal": embedded.Version, "visibility": embedded.VisibilityVersion}[name]
	var major, minor, knownMajor, knownMinor int
	_, err := fmt.Sscanf(current, "%d.%d", &major, &minor)
	_, errKnown := fmt.Sscanf(known, "%d.%d", &knownMajor, &knownMinor)
	return err == nil && errKnown == nil && (major > knownMajor || major == knownMajor && minor > knownMinor)
}
