package job_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fairlead/fairlead/internal/job"
)

func TestDuration(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"10m": "10m", "600s": "10m", "1h30m": "1h30m", "2h": "2h", "90m": "1h30m", "500ms": "500ms", "1.5s": "1.5s", "8784h": "8784h", "10s": "10s", "20m": "20m",
	} {
		parsed, err := job.ParseDuration(text)
		require.NoError(t, err, text)
		require.Equal(t, want, parsed.String())
	}
	for _, text := range []string{"", "10", "1d", "-1s", "0s", "1us", "8785h", "ten minutes", "99999999999999999999h"} {
		_, err := job.ParseDuration(text)
		require.Error(t, err, text)
	}
}

func TestDurationsReadBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := job.Duration(rapid.Int64Range(int64(time.Millisecond), int64(8784*time.Hour)).Draw(t, "d"))
		data, err := json.Marshal(d)
		require.NoError(t, err)
		var back job.Duration
		require.NoError(t, json.Unmarshal(data, &back))
		require.Equal(t, d, back)
	})
}

func TestDefaultsAreMerged(t *testing.T) {
	t.Parallel()
	version := load(t, `
apiVersion: fairlead/v1
name: merged
defaults:
  timeout: 1m
  retry: {attempts: 5, initial: 2s}
  with:
    http: {method: POST, headers: {A: a}, url: "https://a.example"}
steps:
  - {id: plain, uses: http}
  - {id: own, uses: http, timeout: 5s, retry: {initial: 5m}, with: {headers: {B: b}, url: "https://b.example"}}
  - {id: last, needs: [], uses: http}
`)
	steps := version.Definition.Steps
	require.Equal(t, job.DefaultRunTimeout, version.Definition.Timeout)
	require.JSONEq(t, `{"method":"POST","headers":{"A":"a"},"url":"https://a.example"}`, string(steps[0].With))
	require.JSONEq(t, `{"method":"POST","headers":{"B":"b"},"url":"https://b.example"}`, string(steps[1].With))
	require.Equal(t, job.Retry{Attempts: 5, Initial: job.Duration(2 * time.Second), Factor: 2, Max: job.Duration(time.Minute)}, steps[0].Retry)
	require.Equal(t, job.Retry{Attempts: 5, Initial: job.Duration(5 * time.Minute), Factor: 2, Max: job.Duration(5 * time.Minute)}, steps[1].Retry)
	require.Equal(t, time.Minute, steps[0].Timeout.Std())
	require.Equal(t, 5*time.Second, steps[1].Timeout.Std())
	require.Equal(t, []string{}, steps[0].Needs)
	require.Equal(t, []string{"plain"}, steps[1].Needs)
	require.Equal(t, []string{}, steps[2].Needs)
}

// load publishes one job.
func load(t require.TestingT, source string) *job.Version {
	versions, err := job.Load([]byte(source))
	require.NoError(t, err)
	require.Len(t, versions, 1)
	return versions[0]
}

// open publishes and opens one job.
func open(t require.TestingT, source string) *job.Program {
	program, err := job.Open(load(t, source).Canonical)
	require.NoError(t, err)
	return program
}
