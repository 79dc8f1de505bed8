package store_test

import (
	"context"
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

// postgres is the package's cluster; every test has a database of its own in it.
var postgres *devstack.Postgres

func TestMain(m *testing.M) {
	code, err := run(m)
	if err == nil {
		err = goleak.Find()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "store-test-")
	if err != nil {
		return 1, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ctx := context.Background()
	postgres, err = devstack.StartPostgres(ctx, dir, 0, slog.New(slog.DiscardHandler))
	if err != nil {
		return 1, err
	}
	defer func() { _ = postgres.Stop(ctx) }()
	return m.Run(), nil
}

// database makes an empty database and returns its URL.
func database(t *testing.T) string {
	t.Helper()
	id, err := job.NewRunID()
	require.NoError(t, err)
	name := strings.ToLower(id)
	require.NoError(t, postgres.CreateDatabase(t.Context(), name))
	return postgres.URL(name)
}

// setup returns a store over a migrated database of the test's own.
func setup(t *testing.T) *store.Store {
	t.Helper()
	url := database(t)
	require.NoError(t, store.Migrate(t.Context(), url))
	s, err := store.Open(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

const team = "finance"

// publish publishes content as a version of the job.
func publish(t *testing.T, s *store.Store, name, content string) store.Published {
	t.Helper()
	published, err := s.Publish(t.Context(), publication(name, content))
	require.NoError(t, err)
	return published
}

func publication(name, content string) store.Publication {
	return store.Publication{
		Team: team, Job: name, Digest: "sha256:" + content, Canonical: []byte(content), Source: []byte("# " + content),
		Actor: "ana", Activate: true,
	}
}

func newRun(t *testing.T, name string) store.NewRun {
	t.Helper()
	id, err := job.NewRunID()
	require.NoError(t, err)
	return store.NewRun{
		ID: id, Team: team, Job: name, Version: 1, Input: []byte(`{}`),
		Trigger: store.Trigger{Kind: "api", By: "ana"}, RequestHash: "hash",
	}
}

func submit(t *testing.T, s *store.Store, n store.NewRun) store.Run {
	t.Helper()
	run, created, err := s.Submit(t.Context(), n)
	require.NoError(t, err)
	require.True(t, created)
	return run
}

func requireCode(t *testing.T, code job.Code, err error) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, code, job.CodeOf(err), err.Error())
}
