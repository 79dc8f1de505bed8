package httpcall_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/activities/httpcall"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const token = "0f1e2d3c"

// now is when a Retry-After's date is read.
var now = time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC)

// log keeps what an action tells.
type log struct {
	mu      sync.Mutex
	records []string
	masked  []string
}

func (l *log) Log(level slog.Level, message string, attrs ...slog.Attr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.records = append(l.records, fmt.Sprint(level, " ", message, " ", attrs))
}

func (l *log) Mask(secret string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.masked = append(l.masked, secret)
}

func (l *log) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.records, "\n")
}

// setup returns the action, allowed to call this machine.
func setup(t *testing.T) *httpcall.Action {
	t.Helper()
	action := httpcall.New(httpcall.Options{
		Version: "1.2.3",
		Allow:   []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")},
		Now:     func() time.Time { return now },
	})
	t.Cleanup(action.Close)
	return action
}

// serve starts a server that is gone when the test is.
func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// raw starts a server that answers every connection's first bytes with talk.
func raw(t *testing.T, talk func(conn net.Conn)) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var open sync.WaitGroup
	open.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			open.Go(func() {
				defer func() { _ = conn.Close() }()
				_, _ = conn.Read(make([]byte, 64<<10))
				talk(conn)
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		open.Wait()
	})
	return "http://" + listener.Addr().String()
}

// answered is the http action's output.
type answered struct {
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body"`
}

// with is a step's `with`: the URL and more keys.
func with(t *testing.T, url string, more map[string]any) json.RawMessage {
	t.Helper()
	all := map[string]any{"url": url}
	maps.Copy(all, more)
	out, err := json.Marshal(all)
	require.NoError(t, err)
	return out
}

// step is a call whose URL the job's file makes of template.
func step(t *testing.T, template, url string, more map[string]any, told *log) activities.Call {
	t.Helper()
	return activities.Call{With: with(t, url, more), Template: with(t, template, more), Token: token, Attempt: 1, Log: told}
}

// call makes a call that has to succeed.
func call(t *testing.T, action activities.Action, url string, more map[string]any) (answered, *log) {
	t.Helper()
	told := &log{}
	out, err := action.Do(t.Context(), step(t, url, url, more, told))
	require.NoError(t, err)
	var got answered
	require.NoError(t, json.Unmarshal(out, &got))
	return got, told
}

// fail makes a call that has to fail, in one line.
func fail(ctx context.Context, t *testing.T, action activities.Action, url string, more map[string]any) (*activities.Failed, *log) {
	t.Helper()
	return failOf(ctx, t, action, url, url, more)
}

// failOf is fail with a URL that the job's file makes of template.
func failOf(ctx context.Context, t *testing.T, action activities.Action, template, url string, more map[string]any) (*activities.Failed, *log) {
	t.Helper()
	told := &log{}
	_, err := action.Do(ctx, step(t, template, url, more, told))
	var failed *activities.Failed
	require.ErrorAs(t, err, &failed)
	require.NotContains(t, failed.Message, "\n")
	require.Less(t, len(failed.Message), 1200)
	return failed, told
}
