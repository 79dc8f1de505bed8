package upkeep_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/job"
)

func TestStartQueued(t *testing.T) {
	t.Parallel()
	p, sweeper := setup()
	for _, id := range []string{"a", "b", "c", "d", "e"} {
		waiting := run(id, job.StatusQueued, time.Minute)
		waiting.WorkflowStartedAt = time.Time{}
		p.unstarted = append(p.unstarted, waiting)
	}
	p.unstarted[3].WorkflowStartedAt = now // since it was listed
	p.unstarted[4].Status = job.StatusCanceled
	p.startErr["b"] = errors.New("its definition is gone")
	swept, err := sweeper.StartQueued(t.Context())
	require.NoError(t, err)
	require.Equal(t, 2, swept.Count)
	require.Equal(t, map[string]int{"a": 1, "b": 1, "c": 1}, p.times())

	p.unstarted = p.unstarted[1:2]
	_, err = sweeper.StartQueued(t.Context())
	require.ErrorIs(t, err, p.startErr["b"])
}

// unstartable are many old runs whose start fails with err, and one good run behind them.
func unstartable(p *parts, err error) {
	for i := range 450 {
		p.startErr[fmt.Sprintf("bad_%03d", i)] = err
		p.unstarted = append(p.unstarted, run(fmt.Sprintf("bad_%03d", i), job.StatusQueued, time.Hour))
	}
	p.unstarted = append(p.unstarted, run("good", job.StatusQueued, time.Minute))
	for i := range p.unstarted {
		p.unstarted[i].WorkflowStartedAt = time.Time{}
	}
}

func TestRunsThatCannotBeStartedHideNone(t *testing.T) {
	t.Parallel()
	p, sweeper := setup()
	unstartable(p, errors.New("its definition is gone"))
	for round := 1; round <= 2; round++ {
		swept, err := sweeper.StartQueued(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, swept.Count)
		require.Len(t, p.times(), 451)
		require.Equal(t, round, p.times()["good"], "every sweep begins anew")
	}
}

func TestStartsThatHangCostOnlyTheirOwnTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, sweeper := setup()
		unstartable(p, errHangs)
		for range 3 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			_, _ = sweeper.StartQueued(ctx)
			require.NoError(t, ctx.Err(), "a sweep ends in its time")
			cancel()
		}
		times := p.times()
		require.Equal(t, 1, times["good"])
		require.Equal(t, 1, times["bad_000"], "a sweep goes on where the last one ran out of time")
	})
}
