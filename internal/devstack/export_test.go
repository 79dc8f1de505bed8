package devstack

import "context"

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
