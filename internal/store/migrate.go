package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/schema"
)

// latest is a version above every migration's.
const latest = math.MaxInt64

// Migrate brings the database at url to the newest schema; one that is there
// already is left as it is. Any number of processes may do so at once.
// CodeConflict: the schema is a newer build's.
func Migrate(ctx context.Context, url string) error { return MigrateTo(ctx, url, latest) }

// MigrateTo brings the schema to a version, up or down; 0 drops everything of ours.
func MigrateTo(ctx context.Context, url string, version int64) (err error) {
	config, err := parse(url)
	if err != nil {
		return err
	}
	pool := stdlib.OpenDB(*config.ConnConfig)
	defer func() { err = errors.Join(err, pool.Close()) }()
	provider, err := migrations(pool)
	if err != nil {
		return err
	}
	current, err := provider.GetDBVersion(ctx)
	if err != nil {
		return failed("read the schema's version", err)
	}
	if version == latest {
		sources := provider.ListSources()
		if known := sources[len(sources)-1].Version; current > known {
			return job.Errorf(job.CodeConflict, "the database has schema version %d, and this build knows %d: a newer build has used it. Start that build, or choose another database or folder", current, known)
		}
	}
	if version < current {
		_, err = provider.DownTo(ctx, version)
	} else {
		_, err = provider.UpTo(ctx, version)
	}
	return failed(fmt.Sprintf("migrate the schema from version %d", current), err)
}

// migrations returns the provider of schema/migrations; an advisory lock lets one process migrate at a time.
func migrations(pool *sql.DB) (*goose.Provider, error) {
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 60))
	if err != nil {
		return nil, job.Wrap(job.CodeInternal, err, "no lock for migrations")
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, pool, schema.Migrations(), goose.WithSessionLocker(locker))
	if err != nil {
		return nil, job.Wrap(job.CodeInternal, err, "the migrations can't be read")
	}
	return provider, nil
}
