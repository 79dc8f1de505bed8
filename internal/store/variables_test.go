package store_test

import (
	"encoding/json"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/store"
)

func TestVariables(t *testing.T) {
	t.Parallel()
	s := cluster.Store(t)
	value := store.Variable{Team: team, Name: "role", Value: json.RawMessage(`{"z": 9007199254740993, "a": 1}`), Description: "for ETL", UpdatedBy: "ana"}
	created, err := s.CreateVariable(t.Context(), value)
	require.NoError(t, err)
	got, err := s.Variable(t.Context(), team, "role")
	require.NoError(t, err)
	require.Equal(t, created, got)
	require.Equal(t, string(value.Value), string(got.Value))
	_, err = s.CreateVariable(t.Context(), value)
	requireCode(t, job.CodeStale, err)

	value.Value, value.UpdatedBy = json.RawMessage(`"x"`), "bo"
	changed, err := s.ChangeVariable(t.Context(), value, []int64{created.Rev + 100, created.Rev})
	require.NoError(t, err)
	require.NotEqual(t, created.Rev, changed.Rev)
	require.Equal(t, "bo", changed.UpdatedBy)
	for _, revs := range [][]int64{{created.Rev}, {}} {
		_, err = s.ChangeVariable(t.Context(), value, revs)
		requireCode(t, job.CodeStale, err)
		requireCode(t, job.CodeStale, s.DeleteVariable(t.Context(), team, "role", "bo", revs))
	}
	requireCode(t, job.CodeStale, s.DeleteVariable(t.Context(), "other", "role", "bo", nil))
	require.NoError(t, s.DeleteVariable(t.Context(), team, "role", "bo", []int64{changed.Rev}))
	_, err = s.Variable(t.Context(), team, "role")
	requireCode(t, job.CodeNotFound, err)
	_, err = s.ChangeVariable(t.Context(), value, nil)
	requireCode(t, job.CodeStale, err)
	again, err := s.CreateVariable(t.Context(), value)
	require.NoError(t, err)
	require.NotContains(t, []int64{created.Rev, changed.Rev}, again.Rev, "a rev is never used again")

	require.NoError(t, s.Note(t.Context(), team, store.AuditEntry{Actor: "bo", Action: "run.cancel", Target: "run_1", Detail: json.RawMessage(`{"reason":"x"}`)}))
	entries, err := s.Audit(t.Context(), team, 0, 0)
	require.NoError(t, err)
	var actions []string
	for _, entry := range entries {
		actions = append(actions, entry.Actor+" "+entry.Action+" "+entry.Target)
	}
	require.Equal(t, []string{"bo run.cancel run_1", "bo variable.create role", "bo variable.delete role", "bo variable.change role", "ana variable.create role"}, actions)
}

func TestVariableLists(t *testing.T) {
	t.Parallel()
	s := cluster.Store(t)
	names := []string{"a", "b", "c"}
	for _, name := range names {
		_, err := s.CreateVariable(t.Context(), store.Variable{Team: team, Name: name, Value: json.RawMessage(`"` + name + `"`)})
		require.NoError(t, err)
	}
	all, err := s.VariableNames(t.Context(), team)
	require.NoError(t, err)
	require.Equal(t, names, all)
	first, err := s.ListVariables(t.Context(), team, 2, "")
	require.NoError(t, err)
	require.Len(t, first.Items, 2)
	second, err := s.ListVariables(t.Context(), team, 2, first.Next)
	require.NoError(t, err)
	require.Len(t, second.Items, 1)
	require.Equal(t, "c", second.Items[0].Name)
	require.Empty(t, second.Next)
	_, err = s.ListVariables(t.Context(), team, 2, "x")
	requireCode(t, job.CodeMalformed, err)

	values, err := s.Variables(t.Context(), team, []string{"b", "missing", "a"})
	require.NoError(t, err)
	require.Equal(t, map[string]json.RawMessage{"a": json.RawMessage(`"a"`), "b": json.RawMessage(`"b"`)}, values)
	values, err = s.Variables(t.Context(), "other", []string{"b"})
	require.NoError(t, err)
	require.Empty(t, values)
}

// Whoever comes second with the same rev has changed nothing.
func TestVariableChangedOnceAmongMany(t *testing.T) {
	t.Parallel()
	s := cluster.Store(t)
	created, err := s.CreateVariable(t.Context(), store.Variable{Team: team, Name: "n", Value: json.RawMessage(`0`)})
	require.NoError(t, err)
	var changed, stale atomic.Int32
	group, ctx := errgroup.WithContext(t.Context())
	for i := range 20 {
		group.Go(func() error {
			_, err := s.ChangeVariable(ctx, store.Variable{Team: team, Name: "n", Value: json.RawMessage(fmt.Sprint(i))}, []int64{created.Rev})
			switch {
			case err == nil:
				changed.Add(1)
			case job.CodeOf(err) == job.CodeStale:
				stale.Add(1)
			default:
				return err
			}
			return nil
		})
	}
	require.NoError(t, group.Wait())
	require.Equal(t, []int32{1, 19}, []int32{changed.Load(), stale.Load()})
}
