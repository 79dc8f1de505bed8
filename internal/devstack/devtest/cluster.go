// Package devtest gives the tests of a package a real Postgres.
package devtest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/fairlead/fairlead/internal/devstack"
	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/store"
)

// Cluster is a package's Postgres, in which every test has a database of its own.
// The zero value is ready for [Cluster.Main].
type Cluster struct{ postgres *devstack.Postgres }

// Main runs a package's tests while the cluster is up, and ends the process; a
// goroutine that is left behind fails them.
func (c *Cluster) Main(m *testing.M) {
	code, err := c.run(m)
	if err = errors.Join(err, goleak.Find()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func (c *Cluster) run(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "fairlead-test-")
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	ctx := context.Background()
	if c.postgres, err = devstack.StartPostgres(ctx, dir, 0, slog.New(slog.DiscardHandler)); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, c.postgres.Stop(ctx)) }()
	return m.Run(), nil
}

// Database makes an empty database and returns its URL.
func (c *Cluster) Database(t *testing.T) string {
	t.Helper()
	id, err := job.NewRunID()
	require.NoError(t, err)
	name := strings.ToLower(id)
	require.NoError(t, c.postgres.CreateDatabase(t.Context(), name))
	return c.postgres.URL(name)
}

// Store opens a store over a migrated database of the test's own.
func (c *Cluster) Store(t *testing.T) *store.Store {
	t.Helper()
	url := c.Database(t)
	require.NoError(t, store.Migrate(t.Context(), url))
	s, err := store.Open(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}
