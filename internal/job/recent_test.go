package job_test

import (
	"errors"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fairlead/fairlead/internal/job"
)

// What is kept is what was used last, as far as both bounds let it; the rest is made anew.
func TestRecentKeepsWhatWasUsedLast(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		maxEntries, maxSize := rapid.IntRange(1, 5).Draw(t, "entries"), rapid.IntRange(1, 30).Draw(t, "size")
		recent := job.NewRecent(maxEntries, maxSize)
		var kept []int // the last used first
		sum := func() (size int) {
			for _, key := range kept {
				size += key
			}
			return size
		}
		for range rapid.IntRange(1, 60).Draw(t, "uses") {
			key, made := rapid.IntRange(0, 12).Draw(t, "key"), false
			value, err := recent.Get(strconv.Itoa(key), key, func() (int, error) {
				made = true
				return key, nil
			})
			require.NoError(t, err)
			require.Equal(t, key, value)
			require.Equal(t, !slices.Contains(kept, key), made)
			kept = append([]int{key}, slices.DeleteFunc(kept, func(k int) bool { return k == key })...)
			for len(kept) > 1 && (len(kept) > maxEntries || sum() > maxSize) {
				kept = kept[:len(kept)-1]
			}
		}
	})
}

func TestConcurrentRecentMakesOnce(t *testing.T) {
	t.Parallel()
	recent := job.NewRecent(2, 100)
	refused := errors.New("refused")
	made := make([]int, 2) // each written by the one who makes it
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			key := i % 2
			value, err := recent.Get(strconv.Itoa(key), 1, func() (int, error) {
				made[key]++
				if key == 1 {
					return 0, refused
				}
				return 7, nil
			})
			if key == 0 && (value != 7 || err != nil) || key == 1 && !errors.Is(err, refused) {
				t.Error(key, value, err)
			}
		})
	}
	all.Wait()
	require.Equal(t, []int{1, 1}, made)
}
