package away_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/store"
)

// bound is more than any answer may take, whatever is away; what they do take is logged.
const bound = 15 * time.Second

//nolint:paralleltest // there is one of each part
func TestTemporalAway(t *testing.T) {
	l := newLoad(t)
	away := l.without("Temporal", func() {
		require.Eventually(t, func() bool { return l.ready("temporal") == http.StatusServiceUnavailable }, bound, pace)
		l.runLoad("Prefer", "wait=1") // 202 when the time is up
	})
	for _, got := range l.between(away.from, away.to) {
		require.Less(t, got.took, bound, got)
		require.Contains(t, []int{http.StatusOK, http.StatusAccepted, http.StatusServiceUnavailable}, got.status, got)
		require.True(t, got.status != http.StatusServiceUnavailable || got.route == "GET /ready", "%+v", got)
	}
	l.settle(away)
}

//nolint:paralleltest // there is one of each part
func TestPostgresAway(t *testing.T) {
	l := newLoad(t)
	var newest string
	for id := range l.acknowledged() {
		newest = max(newest, id)
	}
	away := l.without("Postgres", func() {
		require.Eventually(t, func() bool { return l.ready("postgres") == http.StatusServiceUnavailable }, bound, pace)
		health, _ := l.ask(t.Context(), http.MethodGet, "/health", nil)
		require.Equal(t, http.StatusOK, health.status)
		var callers sync.WaitGroup
		for i := range 100 {
			paths := []string{"/v1/teams/default/runs", "/v1/teams/default/jobs", "/v1/teams/default/jobs/load", "/v1/runs/" + newest, "/v1/runs/" + newest + "/logs"}
			callers.Go(func() { l.ask(t.Context(), http.MethodGet, paths[i%len(paths)], nil) })
		}
		callers.Wait()
	})
	for _, got := range l.between(away.from, away.to) {
		require.Less(t, got.took, bound, got)
		if got.status != http.StatusOK && got.status != http.StatusAccepted {
			require.Equal(t, http.StatusServiceUnavailable, got.status, "%+v", got)
			require.Equal(t, "unavailable", got.code, "%+v", got)
			require.True(t, got.again, "%+v", got)
		}
	}
	l.settle(away)
}

// largeJob passes on an output that is too large to travel without S3.
const largeJob = `apiVersion: fairlead/v1
name: large
input:
  type: object
  required: [target]
  properties: {target: {type: string, format: uri}}
steps:
  - {id: fetch, uses: http, with: {url: "${input.target}/fetch"}, retry: {attempts: 1}}
  - {id: send, uses: http, with: {method: POST, url: "${input.target}/send", json: "${steps.fetch.output.body}"}, retry: {attempts: 1}}
output: "${size(steps.fetch.output.body.text)}"
`

//nolint:paralleltest // there is one of each part
func TestS3Away(t *testing.T) {
	l := newLoad(t)
	large := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{"text": strings.Repeat("x", 100<<10)})
	}))
	t.Cleanup(large.Close)
	l.publish("large", largeJob)
	var waiting []string
	away := l.without("S3", func() {
		require.Eventually(t, func() bool { return l.ready("s3") == http.StatusOK }, bound, pace)
		waiting = append(waiting, l.run("large", map[string]string{"target": large.URL}))
		id := l.runLoad()
		require.Equal(t, "succeeded", l.ended(id))
		require.Contains(t, l.logs(id), "succeeded in", "a log is read from the spool")
	})
	for _, got := range l.between(away.from, away.to) {
		require.Less(t, got.took, bound, got)
		require.Contains(t, []int{http.StatusOK, http.StatusAccepted, http.StatusServiceUnavailable}, got.status, got)
		require.True(t, got.status != http.StatusServiceUnavailable || strings.HasSuffix(got.route, "/logs") && got.again, "%+v", got)
	}
	for _, id := range waiting {
		require.Equal(t, "succeeded", l.ended(id), "a value that is too large to travel waits for S3")
	}
	l.settle(away)
	if *absence >= time.Minute { // the sweep comes once a minute
		requireDrained(t, away)
	}
}

// requireDrained waits until no log is left in the spool.
func requireDrained(t *testing.T, away window) {
	t.Helper()
	rows, err := store.Open(t.Context(), world.Config().DatabaseURL)
	require.NoError(t, err)
	defer rows.Close()
	require.Eventually(t, func() bool {
		keys, err := rows.SpooledKeys(t.Context(), "", "", 1)
		return err == nil && len(keys) == 0
	}, endsWithin, pace)
	t.Logf("every spooled log was in S3 %s after it was back", short(time.Since(away.to)))
}

//nolint:paralleltest // there is one of each part
func TestRedisAway(t *testing.T) {
	l := newLoad(t)
	away := l.without("Redis", func() {
		id := l.runLoad()
		_, raw := l.ask(t.Context(), http.MethodGet, "/v1/runs/"+id+"/logs", nil, "Accept", "text/event-stream")
		require.Equal(t, 2, strings.Count(string(raw), `"msg":"succeeded in`), "%s", raw)
		require.Contains(t, string(raw), "event: end")
	})
	for _, got := range l.between(away.from, away.to) {
		require.Contains(t, []int{http.StatusOK, http.StatusAccepted}, got.status, got)
	}
	l.settle(away)
}

// ready is the status of /ready, 0 while it does not tell that a part is down.
func (l *load) ready(part string) int {
	got, raw := l.ask(l.t.Context(), http.MethodGet, "/ready", nil)
	var body struct {
		Parts map[string]struct{ State string }
	}
	if json.Unmarshal(raw, &body) != nil || body.Parts[part].State != "down" {
		return 0
	}
	return got.status
}

// run submits one run and returns its ID.
func (l *load) run(job string, input map[string]string, headers ...string) string {
	l.t.Helper()
	body, err := json.Marshal(map[string]any{"input": input})
	require.NoError(l.t, err)
	got, raw := l.ask(l.t.Context(), http.MethodPost, "/v1/teams/default/jobs/"+job+"/runs", body, append(headers, "Content-Type", "application/json")...)
	require.Equal(l.t, http.StatusAccepted, got.status, "%s", raw)
	var run struct{ ID string }
	require.NoError(l.t, json.Unmarshal(raw, &run))
	return run.ID
}

// runLoad submits one more run of the load.
func (l *load) runLoad(headers ...string) string {
	l.t.Helper()
	key := uuid.NewString()
	id := l.run("load", map[string]string{"target": l.target.URL, "key": key}, headers...)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.runs[id] = key
	return id
}

// ended waits for a run's end, and returns its status.
func (l *load) ended(id string) string {
	l.t.Helper()
	var run struct {
		Status  string
		EndedAt *time.Time
	}
	require.Eventually(l.t, func() bool {
		_, raw := l.ask(context.WithoutCancel(l.t.Context()), http.MethodGet, "/v1/runs/"+id, nil)
		return json.Unmarshal(raw, &run) == nil && run.EndedAt != nil
	}, endsWithin, pace)
	return run.Status
}

// logs waits until a run's log has something to read, and returns it.
func (l *load) logs(id string) string {
	l.t.Helper()
	var text string
	require.Eventually(l.t, func() bool {
		got, raw := l.ask(context.WithoutCancel(l.t.Context()), http.MethodGet, "/v1/runs/"+id+"/logs", nil)
		text = string(raw)
		return got.status == http.StatusOK
	}, bound, pace)
	return text
}
