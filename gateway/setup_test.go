package gateway_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/gateway"
	"github.com/fairlead/fairlead/gateway/api"
	"github.com/fairlead/fairlead/gateway/auth"
	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/joblog"
	"github.com/fairlead/fairlead/internal/report"
	"github.com/fairlead/fairlead/internal/store"
	"github.com/fairlead/fairlead/workflows"
)

var someTime = time.Date(2026, 11, 20, 9, 0, 0, 123_000_000, time.UTC)

// runID is a run of team default, otherRun one of team other.
const (
	runID    = "run_06b6zdz1f5r7b3r1q5h8e2m4k8"
	otherRun = "run_06b6zdz1f5r7b3r1q5h8e2m4m0"
)

const definition = `apiVersion: fairlead/v1
name: orders
description: Loads orders.
labels: {owner: finance}
input:
  type: object
  required: [day]
  properties: {day: {type: string, format: date}, dry: {type: boolean, default: false}}
steps:
  - {id: fetch, uses: http, with: {url: "https://shop.example/orders?day=${input.day}"}}
  - {id: tell, uses: http, with: {url: "https://shop.example/tell"}}
`

// world is a gateway and all that it stands on.
type world struct {
	t        *testing.T
	memory   *memory
	bucket   *bucket
	starter  *starter
	flows    *flows
	journal  *joblog.Journal
	live     *joblog.Live
	parts    []gateway.Part
	drain    chan struct{}
	extra    map[string]http.Handler
	log      io.Writer
	patience time.Duration // for bodies
	handler  http.Handler
}

// setup makes a world with the job orders, a run of it, and a run of another team.
func setup(t *testing.T, change ...func(*world)) *world {
	t.Helper()
	w := &world{t: t, memory: newMemory(), bucket: newBucket(), starter: &starter{}, flows: &flows{}, drain: make(chan struct{}), log: io.Discard}
	for _, c := range change {
		c(w)
	}
	log := slog.New(slog.NewJSONHandler(w.log, nil))
	w.journal = joblog.New(w.bucket, noSpool{}, w.live, log)
	versions, err := job.Load([]byte(definition))
	require.NoError(t, err)
	for _, team := range []string{"default", "other"} {
		_, err = w.memory.Publish(t.Context(), store.Publication{
			Team: team, Job: "orders", Digest: versions[0].Digest, Canonical: versions[0].Canonical, Source: versions[0].Source,
			Description: "Loads orders.", Labels: versions[0].Definition.Labels, Actor: "ana", Activate: true,
		})
		require.NoError(t, err)
	}
	w.memory.put(someRun(runID, "default"), store.Step{Run: runID, ID: "fetch", Status: job.StatusRunning, Attempts: 1, StartedAt: someTime})
	w.memory.put(someRun(otherRun, "other"))
	w.handler, err = gateway.New(gateway.Deps{
		Jobs: w.memory, Runs: w.memory, Variables: w.memory, Starter: w.starter, Workflows: w.flows, CallbackKey: callbackKey, Logs: report.New(w.memory, w.journal), Objects: w.bucket,
		Auth: tokens{}, Parts: w.parts, Log: log, Draining: w.drain, Extra: w.extra, BodyTimeout: w.patience,
	})
	require.NoError(t, err)
	return w
}

func someRun(id, team string) store.Run {
	return store.Run{
		ID: id, Team: team, Job: "orders", Version: 1, Status: job.StatusRunning, Trigger: store.Trigger{Kind: "api", By: "ana"},
		Priority: 3, Input: []byte(`{"day":"2026-11-19","dry":false}`), CreatedAt: someTime, StartedAt: someTime.Add(time.Second),
	}
}

// tokens takes a role's name as the token of who has that role in team default.
type tokens struct{}

func (tokens) Caller(_ context.Context, authorization string) (auth.Caller, error) {
	name, ok := strings.CutPrefix(authorization, "Bearer ")
	if !ok {
		return auth.Caller{}, job.Errorf(job.CodeUnauthenticated, "there is no token")
	}
	if name == "away" {
		return auth.Caller{}, job.Errorf(job.CodeUnavailable, "the token issuer is away: try again")
	}
	caller := auth.Caller{Subject: "ana", Email: "ana@example.com", Teams: map[string]auth.Role{}, Expires: someTime}
	if role := auth.ParseRole(name); role != auth.None {
		caller.Teams["default"] = role
	} else if name != "none" {
		return auth.Caller{}, job.Errorf(job.CodeUnauthenticated, "the token isn't valid")
	}
	return caller, nil
}

// starter notes what it starts.
type starter struct {
	mu      sync.Mutex
	err     error
	started []string
	then    func()
}

func (s *starter) Start(_ context.Context, run store.Run) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.started = append(s.started, run.ID)
	if s.then != nil {
		s.then()
	}
	return s.err
}

func (s *starter) runs() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.started
}

// callbackKey signs the tokens of callbacks.
var callbackKey = []byte("a key of the tests")

// flows are the workflows of runs; they note what they are asked.
type flows struct {
	mu    sync.Mutex
	err   error
	asked []any
}

func (f *flows) ask(what any) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, what)
	return f.err
}

// all is what was asked.
func (f *flows) all() []any {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked
}

func (f *flows) Cancel(_ context.Context, run store.Run) error { return f.ask("cancel " + run.ID) }

func (f *flows) Decide(_ context.Context, _, _ string, decision workflows.Decision) (store.ApprovalRecord, error) {
	status := "rejected"
	if decision.Approved {
		status = "approved"
	}
	return store.ApprovalRecord{
		Step: decision.Step, Item: decision.Item, Status: status, RequestedAt: someTime, ExpiresAt: someTime.Add(time.Hour),
		DecidedBy: decision.By, DecidedAt: someTime.Add(time.Minute), Comment: decision.Comment,
	}, f.ask(decision)
}

func (f *flows) Callback(_ context.Context, team, run string, callback workflows.Callback) error {
	return f.ask(team + " " + run + " " + callback.Step + "/" + callback.Item + " " + string(callback.Body))
}

// request is one request; the zero values are GET and an admin's token.
type request struct {
	method, path, body, role string
	header                   map[string]string
}

// do sends a request and returns the answer.
func (w *world) do(r request) *httptest.ResponseRecorder {
	w.t.Helper()
	if r.method == "" {
		r.method = http.MethodGet
	}
	if r.role == "" {
		r.role = "admin"
	}
	req := httptest.NewRequestWithContext(w.t.Context(), r.method, r.path, strings.NewReader(r.body))
	if r.role != "nobody" {
		req.Header.Set("Authorization", "Bearer "+r.role)
	}
	req.Header.Set("X-Request-Id", "the-request")
	for name, value := range r.header {
		req.Header.Set(name, value)
	}
	answer := httptest.NewRecorder()
	w.handler.ServeHTTP(answer, req)
	return answer
}

// submit sends a submit.
func (w *world) submit(body string, header map[string]string) *httptest.ResponseRecorder {
	w.t.Helper()
	all := map[string]string{"Content-Type": "application/json"}
	maps.Copy(all, header)
	return w.do(request{method: http.MethodPost, path: "/v1/teams/default/jobs/orders/runs", body: body, header: all})
}

// problemOf decodes a problem, and checks what all of them have.
func problemOf(t *testing.T, answer *httptest.ResponseRecorder) api.Problem {
	t.Helper()
	require.Equal(t, "application/problem+json", answer.Header().Get("Content-Type"), answer.Body.String())
	p := decode[api.Problem](t, answer.Body.Bytes())
	require.Equal(t, answer.Code, p.Status)
	require.Equal(t, "urn:fairlead:problem:"+string(p.Code), p.Type)
	require.True(t, p.Code.Valid(), p.Code)
	require.NotEmpty(t, p.Title)
	require.NotEmpty(t, p.Detail)
	require.Equal(t, answer.Header().Get("X-Request-Id"), p.RequestId)
	return p
}

func decode[T any](t *testing.T, raw []byte) T {
	t.Helper()
	var value T
	require.NoError(t, json.Unmarshal(raw, &value), string(raw))
	return value
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }
