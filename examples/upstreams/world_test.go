package upstreams_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/fairlead/fairlead/examples/upstreams"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// send makes a call, and returns the status and the body.
func send(t *testing.T, world http.Handler, method, path, key, body string) (status int, answer string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("Idempotency-Key", key)
	out := httptest.NewRecorder()
	world.ServeHTTP(out, r)
	return out.Code, out.Body.String()
}

func TestACallIsDoneOnce(t *testing.T) {
	t.Parallel()
	world := upstreams.New()
	for range 2 {
		status, body := send(t, world, http.MethodPost, "/ops/incidents", "k1", `{"title": "down"}`)
		require.Equal(t, http.StatusCreated, status)
		require.Contains(t, body, "inc-1")
	}
	_, body := send(t, world, http.MethodPost, "/ops/incidents", "k2", `{"title": "down"}`)
	require.Contains(t, body, "inc-2")
	calls := world.Calls("/ops")
	require.Len(t, calls, 3)
	require.True(t, calls[1].Repeated)
	require.Equal(t, map[string]any{"title": "down"}, calls[1].Body)
	require.Empty(t, world.Calls("/lake"))
}

func TestASystemCanBeDown(t *testing.T) {
	t.Parallel()
	world := upstreams.New()
	get := func() int {
		status, _ := send(t, world, http.MethodGet, "/fleet/search/health", "", "")
		return status
	}
	require.Equal(t, http.StatusOK, get())
	send(t, world, http.MethodPut, "/-/down/fleet/search", "", "")
	require.Equal(t, http.StatusServiceUnavailable, get())
	send(t, world, http.MethodDelete, "/-/down/fleet/search", "", "")
	require.Equal(t, http.StatusOK, get())
	status, _ := send(t, world, http.MethodGet, "/elsewhere", "", "")
	require.Equal(t, http.StatusNotFound, status)
}

func TestServeSaysHowToGetThere(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	served := make(chan error, 1)
	go func() { served <- upstreams.Serve(ctx, "127.0.0.1:0", writer) }()
	said := bufio.NewScanner(reader)
	require.True(t, said.Scan())
	url := "http://" + strings.TrimSuffix(strings.Fields(strings.SplitAfter(said.Text(), "http://")[1])[0], ".")
	for said.Text() != "Ctrl-C stops them." {
		require.True(t, said.Scan())
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/lake/exports", nil)
	require.NoError(t, err)
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusOK, answer.StatusCode)
	http.DefaultClient.CloseIdleConnections()
	stop()
	require.NoError(t, <-served)
}
