package store_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/store"
)

func TestPublish(t *testing.T) {
	t.Parallel()
	s := cluster.Store(t)
	require.Equal(t, store.Published{Version: 1, Created: true, Current: 1}, publish(t, s, "load", "a"))
	require.Equal(t, store.Published{Version: 2, Created: true, Current: 2}, publish(t, s, "load", "b"))
	require.Equal(t, store.Published{Version: 1, Current: 1}, publish(t, s, "load", "a"), "the same content is the same version")
	require.Equal(t, store.Published{Version: 1, Current: 1}, publish(t, s, "load", "a"))

	entries, err := s.Audit(t.Context(), team, 0, 0)
	require.NoError(t, err)
	require.Len(t, entries, 3, "what changed nothing is no entry")
	require.Equal(t, "job.publish", entries[0].Action)
	require.Equal(t, "ana", entries[0].Actor)
	require.Equal(t, "load", entries[0].Target)
}

func TestPublishStaged(t *testing.T) {
	t.Parallel()
	s := cluster.Store(t)
	staged := publication("load", "a")
	staged.Activate = false
	published, err := s.Publish(t.Context(), staged)
	require.NoError(t, err)
	require.Equal(t, store.Published{Version: 1, Created: true, Current: 0}, published)

	_, err = s.Job(t.Context(), team, "load", 0)
	requireCode(t, job.CodeNotFound, err)
	got, err := s.Job(t.Context(), team, "load", 1)
	require.NoError(t, err)
	require.Equal(t, 0, got.Current)
	listed, err := s.Jobs(t.Context(), team, 0, "")
	require.NoError(t, err)
	require.Len(t, listed.Items, 1)
	require.Equal(t, 1, listed.Items[0].Version)
}

func TestPublishAtOnce(t *testing.T) {
	t.Parallel()
	s := cluster.Store(t)
	const callers, contents = 50, 5
	var mu sync.Mutex
	versions := map[string][]int{}
	group, ctx := errgroup.WithContext(t.Context())
	for caller := range callers {
		content := fmt.Sprintf("content %d", caller%contents)
		group.Go(func() error {
			published, err := s.Publish(ctx, publication("load", content))
			mu.Lock()
			defer mu.Unlock()
			versions[content] = append(versions[content], published.Version)
			return err
		})
	}
	require.NoError(t, group.Wait())
	var all []int
	for content, got := range versions {
		require.Len(t, slices.Compact(got), 1, "%s is one version", content)
		all = append(all, got[0])
	}
	require.ElementsMatch(t, []int{1, 2, 3, 4, 5}, all)
}

func TestJobComesBackExactly(t *testing.T) {
	t.Parallel()
	s := cluster.Store(t)
	p := publication("load", "x")
	p.Canonical = []byte("{\"z\":1,  \"a\":12345678901234567890, \"n\":\"\\u0000\"}")
	p.Source = []byte("name: load\r\n# \xff comment")
	p.Description, p.Labels = "Loads.", map[string]string{"owner": "finance"}
	_, err := s.Publish(t.Context(), p)
	require.NoError(t, err)
	got, err := s.Job(t.Context(), team, "load", 0)
	require.NoError(t, err)
	require.Equal(t, p.Canonical, got.Canonical)
	require.Equal(t, p.Source, got.Source)
	require.Equal(t, p.Labels, got.Labels)
	require.Equal(t, p.Description, got.Description)

	_, err = s.Job(t.Context(), "other", "load", 0)
	requireCode(t, job.CodeNotFound, err)
	_, err = s.Job(t.Context(), team, "load", 1<<40)
	requireCode(t, job.CodeNotFound, err)
}

func TestJobsPages(t *testing.T) {
	t.Parallel()
	s := cluster.Store(t)
	for _, name := range []string{"c", "a", "b_1", "b-1", "d"} {
		publish(t, s, name, "x")
	}
	var names []string
	for cursor := ""; ; {
		page, err := s.Jobs(t.Context(), team, 2, cursor)
		require.NoError(t, err)
		for _, item := range page.Items {
			require.Nil(t, item.Canonical)
			names = append(names, item.Job)
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	require.Equal(t, []string{"a", "b-1", "b_1", "c", "d"}, names)
}
