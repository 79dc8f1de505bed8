package devstack_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/devstack"
)

// slowLine is a connection to the package host over which nothing comes.
type slowLine struct{ asked, cut chan struct{} }

func (l slowLine) RoundTrip(*http.Request) (*http.Response, error) {
	close(l.asked)
	<-l.cut
	return nil, errors.New("cut")
}

//nolint:paralleltest // embedded-postgres downloads with the process's default client
func TestFetchingPostgresSaysSoAndStops(t *testing.T) {
	line := slowLine{asked: make(chan struct{}), cut: make(chan struct{})}
	before := http.DefaultClient.Transport
	http.DefaultClient.Transport = line
	t.Cleanup(func() { http.DefaultClient.Transport = before; close(line.cut) })
	ctx, cancel := context.WithCancel(t.Context())
	said := make(chan string, 1)
	ended := make(chan error, 1)
	cache := t.TempDir()
	go func() { ended <- devstack.FetchPostgres(ctx, 16, cache, func(what string) { said <- what }) }()
	<-line.asked
	require.Contains(t, <-said, "fetching Postgres 16")
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
}
