package gateway_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/gateway"
	"github.com/fairlead/fairlead/internal/store"
)

// temporal starts what it is given while it is there, and answers nothing while it is away.
type temporal struct {
	away    atomic.Bool
	started atomic.Int32
	waiting atomic.Int32
}

func (p *temporal) Ping(ctx context.Context) error {
	if p.away.Load() {
		<-ctx.Done()
	}
	return ctx.Err()
}

func (p *temporal) Start(ctx context.Context, _ store.Run) error {
	p.waiting.Add(1)
	defer p.waiting.Add(-1)
	if err := p.Ping(ctx); err != nil {
		return err
	}
	p.started.Add(1)
	return nil
}

func TestAcknowledgementsDoNotWaitForAnAbsentTemporal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &temporal{}
		launcher, closeIt := gateway.NewLauncher(server, server.Ping, discard())
		require.NoError(t, launcher.Start(t.Context(), store.Run{}))
		<-time.After(10 * time.Second)
		require.NoError(t, launcher.Start(t.Context(), store.Run{}))

		server.away.Store(true)
		var callers sync.WaitGroup
		for range 100 {
			callers.Go(func() {
				began := time.Now()
				if launcher.Start(t.Context(), store.Run{}) == nil {
					t.Error("started without Temporal")
				}
				if time.Since(began) > 4*time.Second {
					t.Errorf("waited %s", time.Since(began))
				}
			})
		}
		callers.Wait()
		for range 1000 {
			began := time.Now()
			require.Error(t, launcher.Start(t.Context(), store.Run{}))
			require.Zero(t, time.Since(began), "once it is known")
		}
		<-time.After(10 * time.Second)
		require.Zero(t, server.waiting.Load(), "nothing piles up")

		server.away.Store(false)
		<-time.After(5 * time.Second)
		require.NoError(t, launcher.Start(t.Context(), store.Run{}))
		require.EqualValues(t, 3, server.started.Load())
		require.NoError(t, closeIt())
	})
}

func TestStartThatFailsIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		refuses := &starter{err: errors.New("refused")}
		launcher, closeIt := gateway.NewLauncher(refuses, func(context.Context) error { return nil }, discard())
		require.ErrorIs(t, launcher.Start(t.Context(), store.Run{}), refuses.err)
		require.NoError(t, closeIt())
	})
}
