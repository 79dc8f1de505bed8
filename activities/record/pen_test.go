package record_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/activities/record"
	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/store"
)

// table is rows in memory: every write waits for a permit, and fails as the permit says.
type table struct {
	permits chan error
	bad     string // the run whose record can't be stored

	mu      sync.Mutex
	batches [][]string // of the runs that were written together
}

func (t *table) Record(_ context.Context, records ...store.RunRecord) error {
	if err := <-t.permits; err != nil {
		return err
	}
	var runs []string
	for _, r := range records {
		if r.Run == t.bad {
			return job.Errorf(job.CodeMalformed, "it can't be stored")
		}
		runs = append(runs, r.Run)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.batches = append(t.batches, runs)
	return nil
}

func (*table) Outcome(context.Context, string) (job.Status, *job.Failure, error) { return "", nil, nil }

func (t *table) allow(n int) {
	for range n {
		t.permits <- nil
	}
}

func newTable() (*table, *record.Pen) {
	t := &table{permits: make(chan error, 1_000)}
	return t, record.NewPen(t, slog.New(slog.DiscardHandler))
}

func soon(t *testing.T, pen *record.Pen, run string) string {
	t.Helper()
	by, err := pen.Soon(t.Context(), store.RunRecord{Run: run})
	require.NoError(t, err)
	require.NotEmpty(t, by)
	return by
}

func TestPenWritesTogetherWhatComesMeanwhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rows, pen := newTable()
		soon(t, pen, "a")
		synctest.Wait() // it is being written
		soon(t, pen, "b")
		written := make(chan error)
		go func() {
			_, err := pen.Now(t.Context(), store.RunRecord{Run: "c"})
			written <- err
		}()
		synctest.Wait()
		rows.allow(2)
		require.NoError(t, <-written)
		require.NoError(t, pen.Rest(t.Context()))
		require.Equal(t, []string{"a"}, rows.batches[0])
		require.Equal(t, []string{"b", "c"}, rows.batches[1])
	})
}

// Whoever is named twice in a row has written the first record.
func TestPenWritesARunsRecordsInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rows, pen := newTable()
		first := soon(t, pen, "a")
		second := make(chan string)
		go func() { second <- soon(t, pen, "a") }()
		synctest.Wait()
		select {
		case <-second:
			require.Fail(t, "the record before it is not written")
		default:
		}
		rows.allow(2)
		require.Equal(t, first, <-second)
		require.NoError(t, pen.Rest(t.Context()))
		require.Equal(t, [][]string{{"a"}, {"a"}}, rows.batches)
	})
}

func TestPenTriesAgainWhileTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rows, pen := newTable()
		by := soon(t, pen, "a")
		for range 20 {
			rows.permits <- job.Errorf(job.CodeUnavailable, "the database is away")
		}
		rows.allow(1)
		require.NoError(t, pen.Rest(t.Context()))
		require.Equal(t, [][]string{{"a"}}, rows.batches)
		rows.allow(1)
		require.Equal(t, by, soon(t, pen, "a"), "nothing was lost")
		require.NoError(t, pen.Rest(t.Context()))

		rows.permits <- job.Errorf(job.CodeUnavailable, "the database is away")
		_, err := pen.Now(t.Context(), store.RunRecord{Run: "b"})
		require.Equal(t, job.CodeUnavailable, job.CodeOf(err), "who waits is told")
	})
}

func TestPenHasAnotherNameAfterALoss(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rows, pen := newTable()
		rows.bad = "bad"
		by := soon(t, pen, "a")
		synctest.Wait()
		soon(t, pen, "bad")
		soon(t, pen, "b")
		rows.allow(10)
		require.NoError(t, pen.Rest(t.Context()))
		require.Equal(t, [][]string{{"a"}, {"b"}}, rows.batches, "one that can't be stored fails no other")
		require.NotEqual(t, by, soon(t, pen, "a"))
		_, err := pen.Now(t.Context(), store.RunRecord{Run: "bad"})
		require.Equal(t, job.CodeMalformed, job.CodeOf(err))
		require.NoError(t, pen.Rest(t.Context()))
	})
}

func TestPenThatCannotWriteHoldsNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rows, pen := newTable()
		soon(t, pen, "a")
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errors.New("the attempt's time is up"))
		_, err := pen.Soon(ctx, store.RunRecord{Run: "a"})
		require.ErrorIs(t, err, context.Canceled)
		_, err = pen.Now(ctx, store.RunRecord{Run: "b"})
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, pen.Rest(ctx), context.Canceled)
		rows.allow(2)
		require.NoError(t, pen.Rest(t.Context()))
	})
}
