package store_test

import (
	"context"
	"net"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/store"
)

// silent takes connections and answers nothing.
func silent(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	return listener.Addr().String()
}

func TestSilentDatabaseHoldsNobody(t *testing.T) {
	t.Parallel()
	address := url.URL{Scheme: "postgres", Host: silent(t), User: url.UserPassword("a", "b"), Path: "/fairlead"}
	s, err := store.Open(t.Context(), address.String())
	require.NoError(t, err)
	t.Cleanup(s.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second) // less than the callers would need one after the other
	defer cancel()
	answers := make(chan error)
	const callers = 100 // more than there are connections
	for i := range callers {
		go func() {
			var err error
			switch i % 3 {
			case 0:
				_, err = s.RunState(ctx, "run_1")
			case 1:
				_, err = s.Runs(ctx, team, store.Filter{}, 10, "")
			case 2:
				_, err = s.Publish(ctx, publication("load", "1"))
			}
			answers <- err
		}()
	}
	for range callers {
		assert.Equal(t, job.CodeUnavailable, job.CodeOf(<-answers))
	}
	require.NoError(t, ctx.Err())
}
