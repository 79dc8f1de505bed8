package job_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/job"
)

func TestProgramsAreOpenedOnce(t *testing.T) {
	t.Parallel()
	programs := job.NewPrograms()
	canonical := load(t, oneStep(0, "")).Canonical
	opened := make([]*job.Program, 8)
	var all sync.WaitGroup
	for i := range opened {
		all.Go(func() { opened[i], _ = programs.Open(append([]byte(nil), canonical...)) })
	}
	all.Wait()
	require.NotNil(t, opened[0])
	for _, program := range opened {
		require.Same(t, opened[0], program)
	}
	other, err := programs.Open(load(t, oneStep(1, "")).Canonical)
	require.NoError(t, err)
	require.Equal(t, "job_1", other.Definition.Name)
}

func TestProgramsKeepThoseUsedLast(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		others int
		filler string
	}{
		"many":  {others: 260},
		"large": {others: 6, filler: strings.Repeat("x", 200<<10)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			programs := job.NewPrograms()
			used, idle := load(t, oneStep(0, "")).Canonical, load(t, oneStep(1, "")).Canonical
			first, err := programs.Open(used)
			require.NoError(t, err)
			forgotten, err := programs.Open(idle)
			require.NoError(t, err)
			for i := range test.others {
				_, err := programs.Open(load(t, oneStep(2+i, test.filler)).Canonical)
				require.NoError(t, err)
				again, err := programs.Open(used)
				require.NoError(t, err)
				require.Same(t, first, again, "it is in use")
			}
			again, err := programs.Open(idle)
			require.NoError(t, err)
			require.NotSame(t, forgotten, again)
		})
	}
}

func TestProgramsTellWhyOneCannotBeOpened(t *testing.T) {
	t.Parallel()
	programs := job.NewPrograms()
	for range 2 {
		_, err := programs.Open([]byte("steps: []"))
		require.Equal(t, job.CodeInternal, job.CodeOf(err))
	}
}

func oneStep(i int, filler string) string {
	return fmt.Sprintf("apiVersion: fairlead/v1\nname: job_%d\nsteps: [{id: a, uses: http, with: {url: 'https://a.example', json: '%s'}}]\n", i, filler)
}
