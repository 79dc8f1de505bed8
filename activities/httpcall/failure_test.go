package httpcall_test

import (
	"context"
	"encoding/json"
	"io"
	stdlog "log"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/activities/httpcall"
)

// zeros never ends.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// saying is a server that says this to whoever asks, then closes.
func saying(text string) func(net.Conn) {
	return func(conn net.Conn) { _, _ = io.WriteString(conn, text) }
}

func TestAnswersThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	action := setup(t)
	bomb := zipped(t, io.LimitReader(zeros{}, 16<<20))
	for name, test := range map[string]struct {
		url       string
		code      string
		retryable bool
		says      string
	}{
		"html that says json": {answering(t, 200, map[string]string{"Content-Type": "application/json"}, "<html>\n<b>"), "response_not_json", false, "says it is JSON, but it is not: <html>"},
		"json cut short":      {answering(t, 200, map[string]string{"Content-Type": "application/json"}, `{"a":`), "response_not_json", false, `{"a":`},
		"json not utf-8":      {answering(t, 200, map[string]string{"Content-Type": "application/json"}, "\"\xff\""), "response_not_json", false, "not"},
		"binary":              {answering(t, 200, map[string]string{"Content-Type": "image/png"}, "\x89PNG\xff"), "response_not_text", false, "image/png"},
		"unknown coding":      {answering(t, 200, map[string]string{"Content-Encoding": "br"}, "xx"), "response_not_text", false, `"br"`},
		"false gzip":          {answering(t, 200, map[string]string{"Content-Encoding": "gzip"}, "this is not gzip"), "response_malformed", false, "says it is gzip"},
		"gzip bomb":           {answering(t, 200, map[string]string{"Content-Encoding": "gzip"}, bomb), "response_too_large", false, "more than 1048576 bytes"},
		"endless":             {serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.Copy(w, zeros{}) }), "response_too_large", false, "more than 1048576 bytes"},
		"10 GB declared":      {raw(t, saying("HTTP/1.1 200 OK\r\nContent-Length: 10737418240\r\n\r\nxxx")), "response_too_large", false, "maxBytes"},
		"nothing":             {raw(t, func(net.Conn) {}), "no_response", true, "closed the connection without"},
		"half a body":         {raw(t, saying("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")), "response_truncated", true, "after 4 bytes"},
		"half a chunk":        {raw(t, saying("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nwo")), "response_truncated", true, "broke after 7 bytes"},
		"half the headers":    {raw(t, saying("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n")), "response_truncated", true, "inside the headers"},
		"garbage":             {raw(t, saying("\x00\x01SSH-2.0-OpenSSH\r\n\r\n")), "response_malformed", false, "not HTTP"},
		"too many headers":    {raw(t, saying("HTTP/1.1 200 OK\r\nA: "+strings.Repeat("x", 1<<20)+"\r\n\r\n")), "response_malformed", false, "not HTTP"},
		"only informational":  {raw(t, saying("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")), "response_malformed", false, "101"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failed, _ := fail(t.Context(), t, action, test.url+"/x", nil)
			require.Equal(t, test.code, failed.Code, failed.Message)
			require.Equal(t, test.retryable, failed.Retryable)
			require.Contains(t, failed.Message, test.says)
			require.Contains(t, failed.Message, "GET "+test.url+"/x ")
		})
	}
}

func TestNoConnection(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	failed, _ := fail(t.Context(), t, setup(t), gone.URL, nil)
	require.Equal(t, "connection", failed.Code)
	require.True(t, failed.Retryable)
	require.Contains(t, failed.Message, "refused")

	failed, _ = fail(t.Context(), t, setup(t), "http://nowhere.invalid/", nil)
	require.Equal(t, "connection", failed.Code)
	require.True(t, failed.Retryable)

	reset := raw(t, func(conn net.Conn) {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // closing now resets
		}
	})
	failed, _ = fail(t.Context(), t, setup(t), reset, nil)
	require.Equal(t, "connection", failed.Code)
	require.Contains(t, failed.Message, "reset")
}

func TestTLS(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = stdlog.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	failed, _ := fail(t.Context(), t, setup(t), server.URL, nil)
	require.Equal(t, "tls", failed.Code)
	require.False(t, failed.Retryable)
	require.Contains(t, failed.Message, "certificate")

	plain := answering(t, 200, nil, "")
	failed, _ = fail(t.Context(), t, setup(t), strings.Replace(plain, "http:", "https:", 1), nil)
	require.Equal(t, "tls", failed.Code)
}

func TestStatus(t *testing.T) {
	t.Parallel()
	action := setup(t)
	for code, again := range map[int]bool{
		400: false, 401: false, 404: false, 408: true, 409: false, 422: false, 425: true, 429: true, 500: true, 502: true, 503: true, 599: true,
	} {
		t.Run(strconv.Itoa(code), func(t *testing.T) {
			t.Parallel()
			failed, _ := fail(t.Context(), t, action, answering(t, code, nil, "\n \x1b[31mno\x00 room \nmore"), nil)
			require.Equal(t, "http_status", failed.Code)
			require.Equal(t, code, failed.Status)
			require.Equal(t, again, failed.Retryable)
			require.Contains(t, failed.Message, " answered "+strconv.Itoa(code))
			require.Contains(t, failed.Message, "no  room")
			require.NotContains(t, failed.Message, "more")
		})
	}
	failed, _ := fail(t.Context(), t, action, answering(t, 503, nil, strings.Repeat("é", 500)), nil)
	require.Contains(t, failed.Message, "answered 503 Service Unavailable: "+strings.Repeat("é", 200)+"…")
}

func TestAnEndlessErrorIsStillAnError(t *testing.T) {
	t.Parallel()
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadGateway)
		_, _ = io.Copy(w, zeros{})
	})
	failed, _ := fail(t.Context(), t, setup(t), url, nil)
	require.Equal(t, 502, failed.Status)
	failed, _ = fail(t.Context(), t, setup(t), raw(t, saying("HTTP/1.1 500 X\r\nContent-Length: 9\r\n\r\nhalf")), nil)
	require.Equal(t, 500, failed.Status)
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	action := setup(t)
	for value, want := range map[string]time.Duration{
		"7":                             7 * time.Second,
		"86400":                         time.Hour,
		"99999999999999999999":          0,
		"-5":                            0,
		"soon":                          0,
		"":                              0,
		"Mon, 05 Jan 2026 10:02:00 GMT": 2 * time.Minute,
		"Mon, 05 Jan 2026 09:00:00 GMT": 0,
		"Tue, 05 Jan 2027 10:00:00 GMT": time.Hour,
	} {
		failed, _ := fail(t.Context(), t, action, answering(t, 429, map[string]string{"Retry-After": value}, ""), nil)
		require.Equal(t, want, failed.RetryAfter, value)
	}
	failed, _ := fail(t.Context(), t, action, answering(t, 404, map[string]string{"Retry-After": "7"}, ""), nil)
	require.Zero(t, failed.RetryAfter)
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	action := setup(t)
	silent := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	stuck := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "begin")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	for name, test := range map[string]struct {
		url, says string
		timeout   time.Duration
	}{
		"silent": {silent, "did not answer within the step's timeout", 50 * time.Millisecond},
		// Long enough for the answer to begin on a busy machine.
		"stuck": {stuck, "sent 5 bytes and was not done within the step's timeout", 3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), test.timeout)
			defer cancel()
			failed, _ := fail(ctx, t, action, test.url, nil)
			require.Equal(t, "timeout", failed.Code)
			require.True(t, failed.Retryable)
			require.Contains(t, failed.Message, test.says)
		})
	}
}

func TestCancelIsNoFailure(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	url := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	_, err := setup(t).Do(ctx, activities.Call{With: with(t, url, nil), Log: &log{}})
	require.ErrorIs(t, err, context.Canceled)
	var failed *activities.Failed
	require.NotErrorAs(t, err, &failed)
}

func TestOnlyPublicAddresses(t *testing.T) {
	t.Parallel()
	var asked atomic.Bool
	url := serve(t, func(http.ResponseWriter, *http.Request) { asked.Store(true) })
	port := url[strings.LastIndex(url, ":"):]
	action := httpcall.New(httpcall.Options{})
	t.Cleanup(action.Close)
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "169.254.169.254", "10.0.0.1", "2130706433"} {
		failed, _ := fail(t.Context(), t, action, "http://"+host+port+"/meta", nil)
		if host == "2130706433" && failed.Code == "connection" {
			continue // a resolver that doesn't know that old way to write 127.0.0.1
		}
		require.Equal(t, "address_refused", failed.Code, host)
		require.False(t, failed.Retryable)
		require.Contains(t, failed.Message, "FAIRLEAD_HTTP_ALLOW")
	}
	require.False(t, asked.Load())
}

func FuzzAnswer(f *testing.F) {
	f.Add("application/json", []byte(`{"a":1}`))
	f.Add("text/plain; charset=utf-16", []byte("\xff\xfea\x00"))
	f.Add("text/html", []byte("<p>"))
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			_, _ = w.Write(body)
		}))
		defer server.Close()
		out, err := setup(t).Do(t.Context(), activities.Call{With: with(t, server.URL, nil), Log: &log{}})
		if err == nil {
			require.True(t, json.Valid(out))
			return
		}
		var failed *activities.Failed
		require.ErrorAs(t, err, &failed)
		require.NotContains(t, failed.Message, "\n")
	})
}
