package store_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/devstack/devtest"
	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/store"
)

var cluster devtest.Cluster

func TestMain(m *testing.M) { cluster.Main(m) }

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
