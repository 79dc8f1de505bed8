package e2e_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// call is a request as a target saw it.
type call struct {
	method, path, body string
	header             http.Header
}

// target is a server that steps call; it keeps what it was asked.
type target struct {
	URL string

	mu    sync.Mutex
	calls []call
}

// newTarget serves answer, which is told which call it is, from 1.
func newTarget(t *testing.T, answer func(n int, w http.ResponseWriter, r *http.Request)) *target {
	t.Helper()
	target := &target{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		target.mu.Lock()
		target.calls = append(target.calls, call{r.Method, r.URL.String(), string(body), r.Header.Clone()})
		n := len(target.calls)
		target.mu.Unlock()
		answer(n, w, r)
	}))
	t.Cleanup(server.Close)
	target.URL = server.URL
	return target
}

// seen are the calls so far.
func (t *target) seen() []call {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]call(nil), t.calls...)
}

// sendJSON answers 200 with a JSON text.
func sendJSON(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, text)
}
