package away_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/devstack"
)

// loadJob has two steps that call the target, under the run's own key.
const loadJob = `apiVersion: fairlead/v1
name: load
input:
  type: object
  required: [target, key]
  properties: {target: {type: string, format: uri}, key: {type: string}}
steps:
  - {id: first, uses: http, with: {url: "${input.target}/first/${input.key}"}}
  - {id: second, uses: http, needs: [first], with: {url: "${input.target}/second/${input.key}"}}
`

const (
	// submitters submit at the same time, each so often.
	submitters = 8
	pace       = 200 * time.Millisecond
	// lateTries is how often a submit is tried when the load has ended, askTimeout how long any request may take.
	lateTries  = 100
	askTimeout = time.Minute
	// endsWithin is how long the runs of the whole absence may take to end, on a slow machine.
	endsWithin = 5 * time.Minute
)

// answer is what one request got, and how long that took.
type answer struct {
	at     time.Time
	took   time.Duration
	route  string
	status int // 0: none
	code   string
	again  bool // it has Retry-After
}

// load submits runs and reads them until it is stopped, and keeps every answer.
type load struct {
	t      *testing.T
	token  string
	client http.Client
	target *target
	stop   context.CancelFunc
	wait   sync.WaitGroup

	mu      sync.Mutex
	runs    map[string]string // acknowledged: the key by the run's ID
	answers []answer
}

// target counts the calls of each token, by the step and key of the path.
type target struct {
	*httptest.Server

	mu    sync.Mutex
	calls map[string]map[string]int
}

func newTarget(t *testing.T) *target {
	t.Helper()
	target := &target{calls: map[string]map[string]int{}}
	target.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		target.mu.Lock()
		defer target.mu.Unlock()
		tokens := target.calls[r.URL.Path]
		if tokens == nil {
			tokens = map[string]int{}
			target.calls[r.URL.Path] = tokens
		}
		tokens[r.Header.Get("Idempotency-Key")]++
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"ok": true}`)
	}))
	t.Cleanup(target.Close)
	return target
}

// newLoad publishes the job and begins.
func newLoad(t *testing.T) *load {
	t.Helper()
	token, err := world.Token(devstack.Claims{Subject: "ana", Email: "ana@example.com", Role: "admin"})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	l := &load{
		t: t, token: token, client: http.Client{Timeout: askTimeout}, target: newTarget(t), stop: cancel, runs: map[string]string{},
	}
	t.Cleanup(l.end)
	l.publish("load", loadJob)
	l.begin(ctx)
	return l
}

// begin begins to submit and to read, and returns when runs have begun to come.
func (l *load) begin(ctx context.Context) {
	l.t.Helper()
	for range submitters {
		l.wait.Go(func() {
			for ctx.Err() == nil {
				l.submit(ctx)
				sleep(ctx, pace)
			}
		})
	}
	l.wait.Go(func() { l.read(ctx) })
	require.Eventually(l.t, func() bool { return len(l.acknowledged()) >= 5*submitters }, time.Minute, pace)
}

// end stops the load.
func (l *load) end() {
	l.stop()
	l.wait.Wait()
}

func (l *load) publish(name, source string) {
	l.t.Helper()
	got, _ := l.ask(l.t.Context(), http.MethodPut, "/v1/teams/default/jobs/"+name, []byte(source), "Content-Type", "application/yaml")
	require.Contains(l.t, []int{http.StatusOK, http.StatusCreated}, got.status)
}

// submit submits until it is acknowledged, always with the same key, as a caller should. What
// was begun is finished when the load has ended, too: a run may have been kept and not
// acknowledged, and would not be counted.
func (l *load) submit(ctx context.Context) {
	key := uuid.NewString()
	body := fmt.Appendf(nil, `{"input": {"target": %q, "key": %q}}`, l.target.URL, key)
	for late := 0; late < lateTries; {
		got, raw := l.ask(context.WithoutCancel(ctx), http.MethodPost, "/v1/teams/default/jobs/load/runs", body,
			"Content-Type", "application/json", "Idempotency-Key", key)
		if got.status == http.StatusAccepted {
			var run struct{ ID string }
			_ = json.Unmarshal(raw, &run)
			l.mu.Lock()
			l.runs[run.ID] = key
			l.mu.Unlock()
			return
		}
		if !sleep(ctx, pace) {
			late++
			sleep(context.WithoutCancel(ctx), pace)
		}
	}
	l.t.Error("a submit was never acknowledged")
}

// read asks for what users look at, of the newest run that was acknowledged.
func (l *load) read(ctx context.Context) {
	for sleep(ctx, pace) {
		l.mu.Lock()
		newest := ""
		for id := range l.runs {
			newest = max(newest, id)
		}
		l.mu.Unlock()
		for _, path := range []string{"/v1/teams/default/runs?limit=5", "/v1/runs/" + newest, "/v1/runs/" + newest + "/steps", "/v1/runs/" + newest + "/logs"} {
			if newest != "" && ctx.Err() == nil {
				l.ask(context.WithoutCancel(ctx), http.MethodGet, path, nil)
			}
		}
	}
}

// ask sends a request and keeps its answer.
func (l *load) ask(ctx context.Context, method, path string, body []byte, headers ...string) (answer, []byte) {
	got := answer{at: time.Now(), route: method + " " + route(path)}
	request, err := http.NewRequestWithContext(ctx, method, world.Config().PublicURL+path, bytes.NewReader(body))
	if err != nil {
		return got, nil
	}
	request.Header.Set("Authorization", "Bearer "+l.token)
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	var raw []byte
	response, err := l.client.Do(request)
	if err == nil {
		raw, err = io.ReadAll(response.Body)
		_ = response.Body.Close()
		got.status, got.again = response.StatusCode, response.Header.Get("Retry-After") != ""
	}
	if err != nil {
		got.status, got.code = 0, err.Error()
	}
	if got.status >= http.StatusBadRequest {
		var problem struct{ Code string }
		_ = json.Unmarshal(raw, &problem)
		got.code = problem.Code
	}
	got.took = time.Since(got.at)
	l.mu.Lock()
	l.answers = append(l.answers, got)
	l.mu.Unlock()
	return got, raw
}

// route is a path without its names.
func route(path string) string {
	path, _, _ = strings.Cut(path, "?")
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if strings.HasPrefix(part, "run_") {
			parts[i] = "{run}"
		}
	}
	return strings.Join(parts, "/")
}

// between are the answers to requests of a time.
func (l *load) between(from, to time.Time) []answer {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(l.answers), func(a answer) bool { return !window{from, to}.holds(a.at) })
}

func (l *load) acknowledged() map[string]string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.runs)
}

// tell logs how many answers of each kind there were, and how long they took.
func (l *load) tell(what string, answers []answer) {
	kinds := map[string][]time.Duration{}
	for _, a := range answers {
		kind := fmt.Sprintf("%s → %d %s", a.route, a.status, a.code)
		kinds[kind] = append(kinds[kind], a.took)
	}
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		took := slices.Sorted(slices.Values(kinds[kind]))
		l.t.Logf("%s: %-70s %5d  p50 %s  p99 %s  max %s", what, kind, len(took), short(took[len(took)/2]), short(took[len(took)*99/100]), short(took[len(took)-1]))
	}
}

func short(d time.Duration) time.Duration { return d.Round(100 * time.Microsecond) }

// settle stops the load and waits until every acknowledged run has ended; it checks that
// each succeeded, once: each of its steps has called the target with one token.
func (l *load) settle(away window) {
	l.t.Helper()
	l.end()
	require.Eventually(l.t, func() bool {
		_, raw := l.ask(l.t.Context(), http.MethodGet, "/v1/teams/default/runs?status=queued&status=running&limit=1", nil)
		var list struct{ Items []json.RawMessage }
		return json.Unmarshal(raw, &list) == nil && list.Items != nil && len(list.Items) == 0
	}, endsWithin, pace, "runs that were acknowledged do not end")
	l.t.Logf("the last run ended %s after the part was back", short(time.Since(away.to)))
	runs := l.acknowledged()
	took := map[bool][]time.Duration{}
	var starts []time.Duration // after the part was back, of those that were submitted meanwhile
	for id := range runs {
		_, raw := l.ask(l.t.Context(), http.MethodGet, "/v1/runs/"+id, nil)
		var run struct {
			Status                        string
			CreatedAt, StartedAt, EndedAt time.Time
		}
		require.NoError(l.t, json.Unmarshal(raw, &run))
		require.Equal(l.t, "succeeded", run.Status, "%s", raw)
		during := away.holds(run.CreatedAt)
		took[during] = append(took[during], run.EndedAt.Sub(run.CreatedAt))
		if during {
			starts = append(starts, run.StartedAt.Sub(away.to))
		}
	}
	for during, each := range took {
		slices.Sort(each)
		l.t.Logf("runs, submitted during the absence %t: %d, from row to end p50 %s p99 %s", during, len(each), short(each[len(each)/2]), short(each[len(each)*99/100]))
	}
	if len(starts) > 0 {
		l.t.Logf("they were started from %s to %s after the part was back", short(slices.Min(starts)), short(slices.Max(starts)))
	}
	l.target.requireOnce(l.t, runs)
}

// requireOnce checks that both steps of every run called with one token, and nobody else did.
func (called *target) requireOnce(t *testing.T, runs map[string]string) {
	t.Helper()
	called.mu.Lock()
	defer called.mu.Unlock()
	require.Len(t, called.calls, 2*len(runs), "a run that was not acknowledged ran, or one that was did not")
	repeats := 0
	for id, key := range runs {
		for _, step := range []string{"/first/", "/second/"} {
			tokens := called.calls[step+key]
			require.Len(t, tokens, 1, "run %s called %s with several tokens", id, step)
			for _, count := range tokens {
				repeats += count - 1
			}
		}
	}
	t.Logf("%d runs acknowledged, every one succeeded once; calls made again with the same token: %d", len(runs), repeats)
}

// window is the time of an absence.
type window struct{ from, to time.Time }

func (w window) holds(at time.Time) bool { return !at.Before(w.from) && !at.After(w.to) }

// without takes a part away: for half of the absence it answers nothing, then it is
// stopped. Meanwhile is called in each half. It returns when the part is back.
func (l *load) without(part string, meanwhile func()) window {
	l.t.Helper()
	half := *absence / 2
	away, before := window{from: time.Now()}, runtime.NumGoroutine()
	speak := silence(l.t, part)
	meanwhile()
	sleep(l.t.Context(), half-time.Since(away.from))
	start, stopped := stop(l.t, part), time.Now()
	speak()
	meanwhile()
	sleep(l.t.Context(), half-time.Since(stopped))
	away.to = time.Now()
	l.t.Logf("%s was away for %s; goroutines before it went %d, before it came back %d", part, short(away.to.Sub(away.from)), before, runtime.NumGoroutine())
	start()
	l.tell("away", l.between(away.from, away.to))
	acknowledged := len(l.acknowledged())
	require.Eventually(l.t, func() bool { return len(l.acknowledged()) >= acknowledged+submitters }, time.Minute, pace, "no run is acknowledged again")
	l.tell("back", l.between(away.to, time.Now()))
	return away
}

// sleep waits, and says whether ctx goes on.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
