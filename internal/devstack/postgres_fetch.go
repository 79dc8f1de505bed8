package devstack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
)

// embeddedVersions are what embedded-postgres can fetch; 0 is for "any".
func embeddedVersions() map[int]embeddedpostgres.PostgresVersion {
	return map[int]embeddedpostgres.PostgresVersion{
		0: embeddedpostgres.V17, 15: embeddedpostgres.V15, 16: embeddedpostgres.V16,
		17: embeddedpostgres.V17, 18: embeddedpostgres.V18,
	}
}

// fetchPostgres returns the binaries of a major version in the cache, and puts them there
// when it has none. That takes minutes on a slow line, so it says that it does, and gives up
// at once when ctx ends.
func fetchPostgres(ctx context.Context, want int, cache string, say func(string)) (postgresBinaries, error) {
	version, ok := embeddedVersions()[want]
	if !ok {
		return postgresBinaries{}, fmt.Errorf("embedded-postgres has no version %d", want)
	}
	home := filepath.Join(cache, "postgres-"+string(version))
	if _, err := os.Stat(home); err != nil {
		say(fmt.Sprintf("fetching Postgres %s: none that fits is installed", version))
		fetched := make(chan error, 1)
		go func() { fetched <- extractEmbedded(version, cache, home) }() // embedded-postgres knows no contexts
		select {
		case err := <-fetched:
			if err != nil {
				return postgresBinaries{}, err
			}
		case <-ctx.Done():
			return postgresBinaries{}, fmt.Errorf("fetch postgres: %w", ctx.Err())
		}
	}
	binaries := postgresBinaries{dir: filepath.Join(home, "bin")}
	var err error
	binaries.major, err = postgresMajor(ctx, binaries.path("postgres"))
	return binaries, err
}

// extractEmbedded puts the binaries into home, which is there only once they are complete.
//
// embedded-postgres does so only on the way to starting a server. That would outlive us if we
// ended meanwhile, so it is given a locale that no initdb takes: what counts is whether the
// binaries run afterwards.
func extractEmbedded(version embeddedpostgres.PostgresVersion, cache, home string) error {
	making, err := os.MkdirTemp(cache, "fetching-")
	if err != nil {
		return fmt.Errorf("fetch postgres: %w", err)
	}
	defer func() { _ = os.RemoveAll(making) }()
	port, err := freePort(0)
	if err != nil {
		return err
	}
	extracted := filepath.Join(making, "postgres")
	err = embeddedpostgres.NewDatabase(embeddedpostgres.DefaultConfig().
		Version(version).CachePath(cache).BinariesPath(extracted).RuntimePath(filepath.Join(making, "runtime")).
		Locale("none").Port(uint32(port)).Logger(io.Discard)).Start() //nolint:gosec // a TCP port
	if _, errMajor := postgresMajor(context.Background(), filepath.Join(extracted, "bin", "postgres")); errMajor != nil {
		return fmt.Errorf("fetch postgres: %w", errors.Join(err, errMajor))
	}
	if err := os.Rename(extracted, home); err != nil && !errors.Is(err, os.ErrExist) { // another process was faster
		return fmt.Errorf("fetch postgres: %w", err)
	}
	return nil
}

// postgresCache is a folder for fetched binaries that the account can run them from.
func postgresCache(as *account) (string, error) {
	dir := "/var/cache/fairlead"
	if as == nil {
		cache, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("cache folder: %w", err)
		}
		dir = filepath.Join(cache, "fairlead")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // another user runs the binaries in it
		return "", fmt.Errorf("cache folder: %w", err)
	}
	return dir, nil
}
