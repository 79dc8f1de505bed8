package joblog_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/joblog"
)

// silent is objects that answer nothing while it is true.
type silent struct {
	memory
	on    bool
	asked int
}

func (s *silent) Put(ctx context.Context, key string, body []byte, contentType string) error {
	s.asked++
	if s.on {
		<-ctx.Done()
		return errors.New("no answer")
	}
	return s.memory.Put(ctx, key, body, contentType)
}

func TestSilentS3CostsOneAttemptAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		objects, waiting := &silent{memory: memory{}, on: true}, spool{}
		j := joblog.New(objects, waiting, nil, quiet())
		write := func() {
			w := j.Begin(joblog.Run{Team: "finance", ID: "run_1", CreatedAt: time.Now()}, "a", "", 1)
			w.Log(slog.LevelInfo, "kept")
			_, err := w.Close(t.Context())
			require.NoError(t, err)
		}
		began := time.Now()
		for range 100 {
			write()
		}
		require.Less(t, time.Since(began), 3*time.Second)
		require.Equal(t, 1, objects.asked)
		require.Len(t, waiting, 100)

		objects.on = false
		<-time.After(10 * time.Second)
		write()
		write()
		require.Equal(t, 3, objects.asked)
		require.Len(t, waiting, 100)
	})
}
