package devstack

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// postgresBinaries is a folder with initdb and postgres, and their major version.
type postgresBinaries struct {
	dir   string
	major int
}

func (b postgresBinaries) path(name string) string { return filepath.Join(b.dir, name) }

// minPostgres is the oldest major version that Temporal's schema and ours run on.
const minPostgres = 13

// findPostgres picks the newest binaries on the machine; want, when not 0, is the major
// version that an existing cluster was made by, and nothing else opens it.
// Without any it fetches some, and says so.
func findPostgres(ctx context.Context, want int, as *account, say func(string)) (postgresBinaries, error) {
	found := installedPostgres(ctx)
	if err := ctx.Err(); err != nil { // it also keeps the binaries from being asked for their version
		return postgresBinaries{}, err
	}
	if want == 0 && len(found) > 0 {
		return found[0], nil
	}
	for _, binaries := range found {
		if binaries.major == want {
			return binaries, nil
		}
	}
	cache, err := postgresCache(as)
	if err != nil {
		return postgresBinaries{}, err
	}
	fetched, err := fetchPostgres(ctx, want, cache, say)
	if err == nil || ctx.Err() != nil {
		return fetched, err
	}
	if len(found) > 0 {
		return postgresBinaries{}, fmt.Errorf("the cluster was made by Postgres %d, this machine has %d, and fetching %d failed (%w): install Postgres %d, or move the cluster away to begin an empty one",
			want, found[0].major, want, err, want)
	}
	return postgresBinaries{}, fmt.Errorf("no Postgres here, and fetching one failed (%w). Do one of three: install it (apt-get install postgresql, brew install postgresql); "+
		"set FAIRLEAD_DATABASE_URL to a server you have; or allow this machine to reach the host that the error names", err)
}

// installedPostgres lists usable binaries, newest first.
func installedPostgres(ctx context.Context) []postgresBinaries {
	var found []postgresBinaries
	for _, dir := range postgresFolders(ctx) {
		if _, err := os.Stat(filepath.Join(dir, "initdb")); err != nil {
			continue
		}
		major, err := postgresMajor(ctx, filepath.Join(dir, "postgres"))
		if err == nil && major >= minPostgres {
			found = append(found, postgresBinaries{dir: dir, major: major})
		}
	}
	slices.SortStableFunc(found, func(a, b postgresBinaries) int { return b.major - a.major })
	return found
}

// postgresFolders are the places where Debian, Red Hat, Homebrew, Postgres.app and PATH keep the server's binaries.
func postgresFolders(ctx context.Context) []string {
	var dirs []string
	if out, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin",
		"/usr/pgsql-*/bin",
		"/opt/homebrew/opt/postgresql*/bin",
		"/usr/local/opt/postgresql*/bin",
		"/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
		"/Applications/Postgres.app/Contents/Versions/*/bin",
	} {
		matches, _ := filepath.Glob(pattern)
		dirs = append(dirs, matches...)
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			dirs = append(dirs, filepath.Dir(real))
		}
	}
	return dirs
}

// postgresMajor reads "postgres (PostgreSQL) 15.18 (Debian …)".
func postgresMajor(ctx context.Context, path string) (int, error) {
	out, err := exec.CommandContext(ctx, path, "--version").Output()
	if err != nil {
		return 0, fmt.Errorf("%s --version: %w", path, err)
	}
	for word := range strings.FieldsSeq(string(out)) {
		digits, _, _ := strings.Cut(word, ".")
		digits = strings.TrimRight(digits, "abcdefghijklmnopqrstuvwxyz") // 19beta1
		if major, err := strconv.Atoi(digits); err == nil {
			return major, nil
		}
	}
	return 0, fmt.Errorf("%s --version answers %q", path, out)
}
