package joblog_test

import (
	"context"
	"errors"
	"io"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/joblog"
)

// silent is objects that answer nothing while it is on; lists are answered unless they are to wait.
type silent struct {
	memory
	on    bool
	lists chan struct{} // what a list waits for, unless it is nil
	asked int
}

var errSilent = errors.New("no answer")

func (s *silent) Put(ctx context.Context, key string, body []byte, contentType string) error {
	s.asked++
	if s.on {
		<-ctx.Done()
		return errSilent
	}
	return s.memory.Put(ctx, key, body, contentType)
}

// Get gives up by itself, as the one on the real S3 does.
func (s *silent) Get(ctx context.Context, key string) (io.ReadCloser, error) {
	s.asked++
	if s.on {
		select {
		case <-time.After(5 * time.Second):
		case <-ctx.Done():
		}
		return nil, errSilent
	}
	return s.memory.Get(ctx, key)
}

func (s *silent) Keys(ctx context.Context, prefix string) ([]string, error) {
	s.asked++
	if s.lists != nil {
		select {
		case <-s.lists:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return s.memory.Keys(ctx, prefix)
}

func TestSilentS3CostsOneAttemptAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		objects, waiting := &silent{memory: memory{}, on: true}, spool{}
		j, run := joblog.New(objects, waiting, nil, quiet()), newRun(t)
		began := time.Now()
		for range 100 {
			write(t, j, run, "a", 1, "kept")
		}
		require.Less(t, time.Since(began), 3*time.Second)
		require.Equal(t, 1, objects.asked)
		require.Len(t, waiting, 100)

		objects.on = false
		<-time.After(10 * time.Second)
		write(t, j, run, "a", 1, "kept")
		write(t, j, run, "a", 1, "kept")
		require.Equal(t, 3, objects.asked)
		require.Len(t, waiting, 100)
	})
}

func TestOneFindsOutForAllHoweverLongItTakes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		objects := &silent{memory: memory{}, on: true}
		waiting := spool{}
		j, run := joblog.New(objects, waiting, nil, quiet()), newRun(t)
		write(t, j, run, "a", 1, "kept")
		<-time.After(time.Minute)

		objects.lists = make(chan struct{})
		find := func(ctx context.Context) <-chan error {
			found := make(chan error, 1)
			go func() {
				reader, err := j.Reader(run, joblog.Filter{})
				if err == nil {
					err = reader.Stored(ctx, func(joblog.Record) error { return nil })
				}
				found <- err
			}()
			synctest.Wait()
			return found
		}
		leaving, leave := context.WithCancel(t.Context())
		found := find(leaving)
		require.Equal(t, 2, objects.asked)
		<-time.After(time.Minute) // many pages
		write(t, j, run, "a", 1, "kept")
		require.Equal(t, 2, objects.asked, "somebody is finding out")
		leave()
		require.Error(t, <-found)

		found = find(t.Context())
		require.Equal(t, 3, objects.asked, "who has gone proves nothing: the next one finds out, at once")
		write(t, j, run, "a", 1, "kept")
		require.Equal(t, 3, objects.asked)
		objects.on = false
		close(objects.lists)
		require.NoError(t, <-found)
		write(t, j, run, "a", 1, "in S3")
		require.Len(t, waiting, 3)
		require.Len(t, objects.memory, 1)
	})
}

func TestReadingSilentS3CostsOneAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		objects := &silent{memory: memory{}}
		j, run := joblog.New(objects, noSpool{}, nil, quiet()), newRun(t)
		for i := range 50 {
			write(t, j, run, "a", i+1, strconv.Itoa(i))
		}
		reader, err := j.Reader(run, joblog.Filter{})
		require.NoError(t, err)
		enough := errors.New("enough")
		require.ErrorIs(t, reader.Stored(t.Context(), func(joblog.Record) error { return enough }), enough)

		objects.on, objects.asked = true, 0
		began := time.Now()
		var records []joblog.Record
		require.Equal(t, job.CodeUnavailable, job.CodeOf(reader.Stored(t.Context(), collect(&records))))
		require.Equal(t, 5*time.Second, time.Since(began))
		require.Equal(t, 2, objects.asked, "the list and one object")
		write(t, j, run, "b", 1, "spooled")
		require.Equal(t, 2, objects.asked, "and nobody else asks just after that")

		objects.on = false
		<-time.After(10 * time.Second)
		require.NoError(t, reader.Stored(t.Context(), collect(&records)))
		require.Len(t, records, 49)
	})
}

func TestObjectThatIsGoneIsNoOutage(t *testing.T) {
	t.Parallel()
	objects := &silent{memory: memory{}}
	j, run := joblog.New(&ghosts{objects}, noSpool{}, nil, quiet()), newRun(t)
	reader, err := j.Reader(run, joblog.Filter{})
	require.NoError(t, err)
	require.Equal(t, job.CodeUnavailable, job.CodeOf(reader.Stored(t.Context(), func(joblog.Record) error { return nil })))
	asked := objects.asked
	write(t, j, run, "a", 1, "in S3")
	require.Greater(t, objects.asked, asked)
}

// ghosts list an object that they don't have.
type ghosts struct{ *silent }

func (g *ghosts) Keys(context.Context, string) ([]string, error) {
	run := joblog.Run{Team: "finance", ID: "run_1", CreatedAt: time.Now()}
	return []string{joblog.Key(run, "a", "", 1, time.Now(), "0")}, nil
}
