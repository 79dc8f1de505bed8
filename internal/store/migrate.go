package store

import (
	"context"
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
// already, or a newer build's, is left as it is: the previous build runs on it too
// (expand, then contract). Any number of processes may do so at once.
func Migrate(ctx context.Context, url string) error { return MigrateTo(ctx, url, latest) }

// MigrateTo brings the schema to a version, up or down; 0 drops everything of ours.
func MigrateTo(ctx context.Context, url string, version int64) (err error) {
	provider, closePool, err := migrations(url)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closePool()) }()
	current, err := provider.GetDBVersion(ctx)
	if err != nil {
		return failed("read the schema's version", err)
	}
	if version < current {
		_, err = provider.DownTo(ctx, version)
	} else {
		_, err = provider.UpTo(ctx, version)
	}
	return failed(fmt.Sprintf("migrate the schema from version %d", current), err)
}

// Versions returns the schema version that the database at url has, 0 when it has none, and the one that this build knows.
func Versions(ctx context.Context, url string) (current, known int64, err error) {
	provider, closePool, err := migrations(url)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, closePool()) }()
	sources := provider.ListSources()
	current, err = provider.GetDBVersion(ctx)
	return current, sources[len(sources)-1].Version, failed("read the schema's version", err)
}

// migrations returns the provider of schema/migrations; an advisory lock lets one process migrate at a time.
func migrations(url string) (provider *goose.Provider, closePool func() error, err error) {
	config, err := parse(url)
	if err != nil {
		return nil, nil, err
	}
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 60))
	if err != nil {
		return nil, nil, job.Wrap(job.CodeInternal, err, "no lock for migrations")
	}
	pool := stdlib.OpenDB(*config.ConnConfig)
	provider, err = goose.NewProvider(goose.DialectPostgres, pool, schema.Migrations(), goose.WithSessionLocker(locker))
	if err != nil {
		return nil, nil, errors.Join(job.Wrap(job.CodeInternal, err, "the migrations can't be read"), pool.Close())
	}
	return provider, pool.Close, nil
}
