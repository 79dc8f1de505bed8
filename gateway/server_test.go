package gateway_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/gateway"
	"github.com/fairlead/fairlead/gateway/api"
	"github.com/fairlead/fairlead/internal/job"
)

// buffer is a log that may be written and read at once.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func TestInternalErrorsStayInside(t *testing.T) {
	t.Parallel()
	log := &buffer{}
	w := setup(t, func(w *world) { w.log = log })
	w.memory.fail(errors.New("column secret_thing does not exist"))
	answer := w.do(request{path: "/v1/teams/default/jobs/orders"})
	require.Equal(t, http.StatusInternalServerError, answer.Code)
	require.NotContains(t, answer.Body.String(), "secret_thing")
	require.Equal(t, api.CodeInternal, problemOf(t, answer).Code)
	require.Contains(t, log.String(), "secret_thing")
	require.Contains(t, log.String(), `"request_id":"the-request"`)

	w.memory.fail(job.Wrap(job.CodeUnavailable, errors.New("dial tcp 10.1.2.3"), "the database is not available: try again"))
	answer = w.do(request{path: "/v1/teams/default/jobs/orders"})
	require.Equal(t, http.StatusServiceUnavailable, answer.Code)
	require.Equal(t, "5", answer.Header().Get("Retry-After"))
	require.NotContains(t, answer.Body.String(), "10.1.2.3")
}

func TestAPanicIsAnInternalError(t *testing.T) {
	t.Parallel()
	log := &buffer{}
	w := setup(t, func(w *world) { w.log = log })
	w.starter.then = func() { panic("a secret thing") }
	answer := w.submit(goodInput, nil)
	require.Equal(t, http.StatusInternalServerError, answer.Code)
	require.Equal(t, api.CodeInternal, problemOf(t, answer).Code)
	require.NotContains(t, answer.Body.String(), "a secret thing")
	require.Contains(t, log.String(), "a secret thing")
	require.Contains(t, log.String(), `"status":500`)
}

func TestRequestIDs(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for given, kept := range map[string]bool{"abc-1:2.3_4": true, "": false, "a b": false, "a\"b": false, string(make([]byte, 200)): false} {
		answer := w.do(request{path: "/v1/nothing", header: map[string]string{"X-Request-Id": given}})
		got := answer.Header().Get("X-Request-Id")
		require.NotEmpty(t, got)
		require.Equal(t, kept, got == given, "%q became %q", given, got)
		problemOf(t, answer)
	}
}

func TestHeadersForBrowsers(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, path := range []string{"/health", "/v1/me", "/nothing"} {
		header := w.do(request{path: path}).Header()
		require.Equal(t, "nosniff", header.Get("X-Content-Type-Options"), path)
		require.Equal(t, "no-store", header.Get("Cache-Control"), path)
		require.NotEmpty(t, header.Get("Content-Security-Policy"), path)
	}
}

func TestPathsThatTryToLeave(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, path := range []string{
		"/v1/teams/../x", "/v1/teams/default/../other/jobs", "/v1/teams/%2e%2e%2fother/jobs", "/v1/teams/default%2f..%2fother/jobs",
		"/v1/teams/default/jobs/..%2F..%2Fother", "/v1/teams//jobs", "/v1/teams/default/jobs/", "/V1/teams/default/jobs",
		"/v1/teams/default/jobs/orders%00", "/v1/teams/default/jobs/%ff", "/v1/runs/..%2f..%2fhealth", "//v1/me", "/v1/teams/Default/jobs",
	} {
		answer := w.do(request{path: path})
		problemOf(t, answer)
		require.Contains(t, []int{http.StatusBadRequest, http.StatusNotFound}, answer.Code, path)
	}
}

func TestOpenOperations(t *testing.T) {
	t.Parallel()
	w := setup(t)
	require.JSONEq(t, `{"status": "ok"}`, w.do(request{path: "/health", role: "nobody"}).Body.String())
	document := w.do(request{path: "/openapi.json", role: "nobody"})
	require.Equal(t, "application/json", document.Header().Get("Content-Type"))
	parsed := decode[map[string]any](t, document.Body.Bytes())
	require.Equal(t, "3.0.3", parsed["openapi"])
}

func TestMeAndActions(t *testing.T) {
	t.Parallel()
	w := setup(t)
	require.JSONEq(t, `{"subject": "ana", "email": "ana@example.com", "groups": [], "teams": {"default": "operator"}, "expiresAt": "2026-11-20T09:00:00.123Z"}`,
		w.do(request{path: "/v1/me", role: "operator"}).Body.String())
	actions := decode[api.ActionList](t, w.do(request{path: "/v1/actions", role: "none"}).Body.Bytes())
	var names []string
	for _, action := range actions.Items {
		names = append(names, action.Name)
		require.True(t, json.Valid(action.Input))
	}
	require.Equal(t, []string{"fail", "http", "job.run"}, names)
}

func TestReady(t *testing.T) {
	t.Parallel()
	up := func(context.Context) error { return nil }
	down := func(context.Context) error { return errors.New("dial tcp 10.1.2.3") }
	part := func(name string, required bool, ping func(context.Context) error) gateway.Part {
		return gateway.Part{Name: name, Required: required, Ping: ping, Absence: "no answer"}
	}
	for name, tc := range map[string]struct {
		parts  []gateway.Part
		status int
		want   string
	}{
		"all are there": {
			[]gateway.Part{part("postgres", true, up), part("redis", false, up)},
			http.StatusOK,
			`{"status": "ready", "parts": {"postgres": {"state": "up"}, "redis": {"state": "up"}}}`,
		},
		"Redis is away": {
			[]gateway.Part{part("postgres", true, up), part("redis", false, down)},
			http.StatusOK,
			`{"status": "degraded", "parts": {"postgres": {"state": "up"}, "redis": {"state": "down", "detail": "no answer"}}}`,
		},
		"there is no Redis": {
			[]gateway.Part{part("postgres", true, up), part("redis", false, nil)},
			http.StatusOK,
			`{"status": "ready", "parts": {"postgres": {"state": "up"}, "redis": {"state": "off", "detail": "no answer"}}}`,
		},
		"Postgres is away": {
			[]gateway.Part{part("postgres", true, down), part("redis", false, up)},
			http.StatusServiceUnavailable,
			`{"type": "urn:fairlead:problem:unavailable", "title": "Service unavailable", "status": 503, "code": "unavailable",
			  "detail": "away: postgres; try again", "instance": "/ready", "requestId": "the-request",
			  "parts": {"postgres": {"state": "down", "detail": "no answer"}, "redis": {"state": "up"}}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t, func(w *world) { w.parts = tc.parts })
			answer := w.do(request{path: "/ready", role: "nobody"})
			require.Equal(t, tc.status, answer.Code)
			require.JSONEq(t, tc.want, answer.Body.String())
			require.Equal(t, tc.status != http.StatusOK, answer.Header().Get("Retry-After") != "")
		})
	}
}

func TestExtraHandlersNeedAToken(t *testing.T) {
	t.Parallel()
	w := setup(t, func(w *world) {
		w.extra = map[string]http.Handler{"/dev/outbox": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusTeapot)
		})}
	})
	require.Equal(t, http.StatusTeapot, w.do(request{path: "/dev/outbox", role: "viewer"}).Code)
	require.Equal(t, api.CodeUnauthenticated, problemOf(t, w.do(request{path: "/dev/outbox", role: "nobody"})).Code)
}

// A body that never comes holds no connection, whoever promises it and whatever the answer is.
func TestABodyThatNeverComes(t *testing.T) {
	t.Parallel()
	w := setup(t, func(w *world) { w.patience = 200 * time.Millisecond })
	server := httptest.NewServer(w.handler)
	t.Cleanup(server.Close)
	for name, c := range map[string]struct {
		head   string
		status int
	}{
		"without a token":       {"POST /v1/teams/default/jobs/orders/runs", http.StatusUnauthorized},
		"with a token":          {"POST /v1/teams/default/jobs/orders/runs HTTP/1.1\r\nAuthorization: Bearer operator", http.StatusBadRequest},
		"where none is taken":   {"GET /health", http.StatusOK},
		"where there's nothing": {"POST /nothing", http.StatusNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			connection, err := new(net.Dialer).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
			require.NoError(t, err)
			defer func() { require.NoError(t, connection.Close()) }()
			require.NoError(t, connection.SetDeadline(time.Now().Add(10*time.Second)))
			head := c.head
			if !strings.Contains(head, "HTTP/1.1") {
				head += " HTTP/1.1"
			}
			_, err = fmt.Fprintf(connection, "%s\r\nHost: gateway\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n", head)
			require.NoError(t, err)
			reader := bufio.NewReader(connection)
			answer, err := http.ReadResponse(reader, nil)
			require.NoError(t, err)
			require.Equal(t, c.status, answer.StatusCode)
			_, err = io.Copy(io.Discard, answer.Body)
			require.NoError(t, err)
			require.NoError(t, answer.Body.Close())
			_, err = reader.ReadByte()
			require.ErrorIs(t, err, io.EOF, "the connection is closed")
		})
	}
}
