package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/store/internal/db"
)

const (
	// applicationName is what Postgres shows our connections as.
	applicationName = "fairlead"
	// connections is the most that one process holds, unless the URL says otherwise (pool_max_conns).
	connections = 20
	// connectTimeout bounds one attempt to connect.
	connectTimeout = 5 * time.Second
	// connectionLife makes connections move to another server after a failover.
	connectionLife = 30 * time.Minute
	connectionIdle = 5 * time.Minute
)

// Store is a pool of connections to Fairlead's database. It is safe for concurrent use.
type Store struct {
	pool    *pgxpool.Pool
	queries *db.Queries
}

// Open returns a store over the database at url (a Postgres connection string,
// which may set pgxpool's own pool_* parameters). It connects when it is first
// used, so a database that is away fails no start; see [Store.Ping].
// CodeMalformed: the URL can't be read.
func Open(ctx context.Context, url string) (*Store, error) {
	config, err := parse(url)
	if err != nil {
		return nil, err
	}
	if parsed := config.ConnConfig; parsed.ConnectTimeout == 0 {
		parsed.ConnectTimeout = connectTimeout
	}
	params := config.ConnConfig.RuntimeParams
	if params["application_name"] == "" {
		params["application_name"] = applicationName
	}
	params["timezone"] = "UTC"
	if !hasPoolSize(url) {
		config.MaxConns = connections
	}
	config.MaxConnLifetime, config.MaxConnLifetimeJitter = connectionLife, connectionLife/10
	config.MaxConnIdleTime = connectionIdle
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, failed("open the database", err)
	}
	return &Store{pool: pool, queries: db.New(bounded{pool, statementTimeout})}, nil
}

// parse reads a connection string. pgxpool's own parameters go to the pool: what connects
// without one uses ConnConfig, which is without them, since Postgres doesn't know them.
func parse(url string) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		// The parser's message holds the URL without its password.
		return nil, job.Wrap(job.CodeMalformed, err, "the database URL can't be read")
	}
	return config, nil
}

// Close waits for what is running and closes every connection.
func (s *Store) Close() { s.pool.Close() }

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	return failed("ping the database", s.pool.Ping(ctx))
}
