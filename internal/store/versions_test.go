package store_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/job"
)

func TestVersions(t *testing.T) {
	t.Parallel()
	s := cluster.Store(t)
	for _, content := range []string{"a", "b", "c"} {
		publish(t, s, "load", content)
	}
	publish(t, s, "other", "d")
	var seen []int
	for cursor, more := "", true; more; {
		page, err := s.Versions(t.Context(), team, "load", 2, cursor)
		require.NoError(t, err)
		for _, version := range page.Items {
			seen = append(seen, version.Version)
			require.Equal(t, 3, version.Current)
			require.Equal(t, "ana", version.CreatedBy)
			require.Nil(t, version.Canonical)
		}
		cursor, more = page.Next, page.Next != ""
	}
	require.Equal(t, []int{3, 2, 1}, seen)

	_, err := s.Versions(t.Context(), team, "nothing", 0, "")
	requireCode(t, job.CodeNotFound, err)
	jobs, err := s.Jobs(t.Context(), team, 1, "")
	require.NoError(t, err)
	for _, cursor := range []string{"!", jobs.Next} {
		_, err = s.Versions(t.Context(), team, "load", 0, cursor)
		requireCode(t, job.CodeMalformed, err)
	}
}
