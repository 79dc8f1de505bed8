package joblog_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/joblog"
)

// spool is a spool in a map.
type spool map[string][]byte

func (s spool) Spool(_ context.Context, _, key string, body []byte) error {
	s[key] = body
	return nil
}

func (s spool) SpooledKeys(_ context.Context, prefix, after string, limit int) ([]string, error) {
	keys := slices.DeleteFunc(slices.Sorted(maps.Keys(s)), func(key string) bool {
		return !strings.HasPrefix(key, prefix) || key <= after
	})
	return keys[:min(limit, len(keys))], nil
}

func (s spool) Spooled(_ context.Context, key string) ([]byte, error) { return s[key], nil }

func (s spool) Unspool(_ context.Context, key string) error {
	delete(s, key)
	return nil
}

// choosy is objects that refuse the keys that hold "bad".
type choosy struct {
	memory
	asked int
}

func (c *choosy) Put(ctx context.Context, key string, body []byte, contentType string) error {
	c.asked++
	if strings.Contains(key, "bad") {
		return errors.New("refused")
	}
	return c.memory.Put(ctx, key, body, contentType)
}

func setup(keys ...string) (*joblog.Journal, *choosy, spool) {
	waiting := spool{}
	for _, key := range keys {
		waiting[key] = []byte(key)
	}
	objects := &choosy{memory: memory{}}
	return joblog.New(objects, waiting, nil, quiet()), objects, waiting
}

func TestDrainGoesPastWhatS3Refuses(t *testing.T) {
	t.Parallel()
	keys := []string{"a_bad", "b_bad", "c_bad"}
	for i := range 20 {
		keys = append(keys, fmt.Sprintf("d%02d", i), fmt.Sprintf("d%02d_bad", i))
	}
	j, objects, waiting := setup(keys...)
	moved, err := j.Drain(t.Context(), 10)
	require.Equal(t, job.CodeUnavailable, job.CodeOf(err))
	require.Zero(t, moved)
	require.Equal(t, 9, objects.asked, "three times for each of three keys, then it gives up")

	moved, err = j.Drain(t.Context(), 10)
	require.Equal(t, job.CodeUnavailable, job.CodeOf(err))
	require.Equal(t, 5, moved, "every other one is refused, never several in a row")
	for range 3 {
		_, err = j.Drain(t.Context(), 10)
		require.Equal(t, job.CodeUnavailable, job.CodeOf(err))
	}
	require.Len(t, objects.memory, 20)
	require.Len(t, waiting, 23)
}

func TestDrainComesBackToWhatS3Refused(t *testing.T) {
	t.Parallel()
	j, objects, waiting := setup("a", "b_bad", "c")
	moved, err := j.Drain(t.Context(), 10)
	require.Equal(t, job.CodeUnavailable, job.CodeOf(err))
	require.Equal(t, 2, moved)
	waiting["a2"], waiting["d"] = []byte("a2"), []byte("d")
	moved, err = j.Drain(t.Context(), 2)
	require.NoError(t, err, "d, then a2")
	require.Equal(t, 2, moved)
	require.Contains(t, objects.memory, "a2")
	asked := objects.asked
	_, err = j.Drain(t.Context(), 2)
	require.Equal(t, job.CodeUnavailable, job.CodeOf(err))
	require.Greater(t, objects.asked, asked, "the refused one is tried again")
}
