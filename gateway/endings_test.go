package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/gateway"
)

// ends are the ends of runs, and what was asked of them.
type ends struct {
	mu      sync.Mutex
	over    map[string]bool
	err     error
	queries [][]string
}

func (e *ends) ended(_ context.Context, runs []string) ([]string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.queries = append(e.queries, slices.Sorted(slices.Values(runs)))
	return slices.DeleteFunc(slices.Clone(runs), func(run string) bool { return !e.over[run] }), e.err
}

func (e *ends) end(runs ...string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, run := range runs {
		e.over[run] = true
	}
}

// fail has the queries fail, until it is given nil.
func (e *ends) fail(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.err = err
}

// asked is what was asked since it was last asked itself.
func (e *ends) asked() [][]string {
	e.mu.Lock()
	defer e.mu.Unlock()
	asked := e.queries
	e.queries = nil
	return asked
}

// waits waits, and says how it ended.
func waits(ctx context.Context, wait func(context.Context, string) bool, run string) <-chan bool {
	told := make(chan bool, 1)
	go func() { told <- wait(ctx, run) }()
	return told
}

func TestManyWaitersMakeOneQuery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := &ends{over: map[string]bool{}}
		wait := gateway.NewWait(e.ended)
		var runs []string
		told := map[string][]<-chan bool{}
		for i := range 100 {
			run := fmt.Sprintf("run_%03d", i)
			runs = append(runs, run)
			for range 10 {
				told[run] = append(told[run], waits(t.Context(), wait, run))
			}
		}
		<-time.After(15 * time.Millisecond)
		require.Equal(t, [][]string{runs}, e.asked(), "each run once, all of them together")

		e.end(runs[:99]...)
		<-time.After(20 * time.Millisecond)
		for _, run := range runs[:99] {
			for _, each := range told[run] {
				require.True(t, <-each)
			}
		}
		e.asked()
		<-time.After(time.Minute)
		looks := e.asked()
		require.Less(t, len(looks), 300, "the longer it takes, the rarer they are")
		for _, look := range looks {
			require.Equal(t, runs[99:], look, "who was told is not looked for")
		}
		e.end(runs[99])
		for _, each := range told[runs[99]] {
			require.True(t, <-each)
		}
		endLooks()
	})
}

// endLooks lets the looks see that nobody waits: the test fails when they go on.
func endLooks() { <-time.After(time.Minute) }

func TestLooksEndWithTheirWaiters(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := &ends{over: map[string]bool{"run_a": true}}
		wait := gateway.NewWait(e.ended)
		for range 3 { // they begin again with the next one
			require.True(t, <-waits(t.Context(), wait, "run_a"))
			require.Len(t, e.asked(), 1)
			endLooks()
			require.Empty(t, e.asked())
		}
	})
}

func TestLookThatFailsTellsNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := &ends{over: map[string]bool{"run_a": true}, err: errors.New("Postgres is away")}
		told := waits(t.Context(), gateway.NewWait(e.ended), "run_a")
		<-time.After(time.Second)
		require.NotEmpty(t, e.asked())
		require.Empty(t, told)
		e.fail(nil)
		require.True(t, <-told, "the next look tells")
		require.Len(t, e.asked(), 1)
		endLooks()
	})
}

func TestWaiterThatGivesUpLeaves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := &ends{over: map[string]bool{}}
		wait := gateway.NewWait(e.ended)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		leaves, stays := waits(ctx, wait, "run_a"), waits(t.Context(), wait, "run_b")
		require.False(t, <-leaves)
		require.Less(t, time.Since(began), 2*time.Second)
		require.Contains(t, e.asked(), []string{"run_a", "run_b"})
		<-time.After(time.Second)
		looks := e.asked()
		require.NotEmpty(t, looks)
		for _, look := range looks {
			require.Equal(t, []string{"run_b"}, look)
		}
		e.end("run_b")
		require.True(t, <-stays)
		endLooks()
	})
}
