package devstack

import (
	"context"
	"log/slog"

	"github.com/jackc/pgx/v5"
)

// CheckExternal says what keeps a server that we were given from being used.
func CheckExternal(ctx context.Context, databaseURL string) error {
	return checkExternal(ctx, databaseURL)
}

// CheckServer judges a server that lets us do everything.
func CheckServer(version int, btreeGin bool) error {
	server := externalServer{Version: version, BtreeGin: btreeGin, MayTables: true, MayDatabases: true}
	return server.check(&pgx.ConnConfig{})
}

// FetchPostgres fetches binaries of a major version into the folder cache, and says so.
func FetchPostgres(ctx context.Context, major int, cache string, say func(string)) error {
	_, err := fetchPostgres(ctx, major, cache, say)
	return err
}

// StaleRuns tells whether the server that a pid file speaks of still runs on data.
func StaleRuns(pidFile, data string) bool { return parseStale(pidFile, data).runs() }

// ProcessStartedWith tells whether a process began when a pid file says.
func ProcessStartedWith(pidFile string) bool {
	stale := parseStale(pidFile, "")
	began, err := processStart(stale.pid)
	return err == nil && began.Sub(stale.started).Abs() <= startSlack
}

// UseMemory is what [Run] does for its time.
func UseMemory() (restore func()) { return useMemory() }

// StartWatchedPostgres starts a cluster in dir; failed is told when it has ended for good.
func StartWatchedPostgres(ctx context.Context, dir string, failed func(error)) (*Postgres, int, error) {
	p, err := newPostgres(dir, 0, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, 0, err
	}
	p.failed = failed
	return p, p.port, p.Start(ctx)
}
