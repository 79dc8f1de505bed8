package job_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/job"
)

func TestRunIDs(t *testing.T) {
	t.Parallel()
	last := ""
	for range 100 {
		id, err := job.NewRunID()
		require.NoError(t, err)
		require.True(t, job.ValidRunID(id), id)
		require.Greater(t, id, last, "IDs sort by the time they were made")
		last = id
	}
	for _, bad := range []string{"", "run_", "run_../../etc", strings.ToUpper(last), last + "0", last[:len(last)-1], strings.TrimPrefix(last, "run_")} {
		require.False(t, job.ValidRunID(bad), bad)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a", "nightly-orders", "nightly_orders_2", "a" + strings.Repeat("b", 62)} {
		require.True(t, job.ValidName(name), name)
		require.True(t, job.ValidTeam(name), name)
	}
	for _, name := range []string{"", "A", "1a", "-a", "../a", "a/b", "a b", "a\n", "é", "a" + strings.Repeat("b", 63)} {
		require.False(t, job.ValidName(name), name)
		require.False(t, job.ValidTeam(name), name)
	}
}

func TestTokensAreOfOneCall(t *testing.T) {
	t.Parallel()
	token := job.Token("run_1", "load", "eu", "2")
	require.Regexp(t, `^[0-9a-f]{64}$`, token)
	require.Equal(t, token, job.Token("run_1", "load", "eu", "2"))
	seen := map[string]bool{token: true}
	for _, other := range [][4]string{
		{"run_2", "load", "eu", "2"}, {"run_1", "loade", "u", "2"}, {"run_1", "load", "eu2", ""}, {"run_1", "load", "", "eu2"}, {"run_1", "load", "", ""},
	} {
		other := job.Token(other[0], other[1], other[2], other[3])
		require.False(t, seen[other])
		seen[other] = true
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	require.Equal(t, job.Code(""), job.CodeOf(nil))
	require.Equal(t, job.CodeInternal, job.CodeOf(io.EOF))
	wrapped := job.Wrap(job.CodeUnavailable, io.EOF, "no database")
	require.ErrorIs(t, wrapped, io.EOF)
	require.Equal(t, job.CodeUnavailable, job.CodeOf(errors.Join(errors.New("a"), wrapped)))
	require.Equal(t, "unavailable: no database: EOF", wrapped.Error())
	require.Equal(t, "invalid_definition: wrong\n  2:3: /a: b", (&job.Error{
		Code: job.CodeInvalidDefinition, Message: "wrong", Fields: []job.Field{{Pointer: "/a", Line: 2, Column: 3, Message: "b"}},
	}).Error())
}
