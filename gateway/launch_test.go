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
	"go.temporal.io/api/serviceerror"

	"github.com/fairlead/fairlead/gateway"
	"github.com/fairlead/fairlead/internal/job"
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
				if time.Since(began) > 4500*time.Millisecond { // before a start gives up
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
		for range 10 {
			require.ErrorIs(t, launcher.Start(t.Context(), store.Run{}), refuses.err, "it says nothing of Temporal")
		}
		require.NoError(t, closeIt())
	})
}

func TestOneFailedLookIsNoAbsence(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var looks atomic.Int32
		starts := &starter{}
		launcher, closeIt := gateway.NewLauncher(starts, func(context.Context) error {
			if looks.Add(1)%2 == 1 {
				return errors.New("by chance")
			}
			return nil
		}, discard())
		for range 100 {
			<-time.After(500 * time.Millisecond)
			require.NoError(t, launcher.Start(t.Context(), store.Run{}))
		}
		require.NoError(t, closeIt())
	})
}

func TestStartsThatTemporalDoesNotAnswerAreFailedLooks(t *testing.T) {
	t.Parallel()
	for name, unanswered := range map[string]error{
		"unavailable": serviceerror.NewUnavailable("no"), "late": serviceerror.NewDeadlineExceeded("late"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				starts := &starter{err: job.Wrap(job.CodeUnavailable, unanswered, "away")}
				launcher, closeIt := gateway.NewLauncher(starts, func(context.Context) error { return nil }, discard())
				for range 10 {
					require.Error(t, launcher.Start(t.Context(), store.Run{}))
				}
				require.Len(t, starts.runs(), 2, "then it is away")
				starts.err = nil
				<-time.After(2 * time.Second)
				require.NoError(t, launcher.Start(t.Context(), store.Run{}))
				require.NoError(t, closeIt())
			})
		})
	}
}

func TestNoStartOnceTheGatewayEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		starts := &starter{}
		launcher, closeIt := gateway.NewLauncher(starts, func(context.Context) error { return nil }, discard())
		require.NoError(t, closeIt())
		require.Error(t, launcher.Start(t.Context(), store.Run{}))
		require.Empty(t, starts.runs())
	})
}
