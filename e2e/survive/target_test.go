package survive_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// target is the server that a job's steps call; it keeps the effect token of each call.
type target struct {
	URL string

	mu     sync.Mutex
	tokens map[string][]string // by step
	hold   string              // the step whose next call is held until its caller goes
	held   chan struct{}       // takes a value when that call is there
}

func newTarget(t *testing.T) *target {
	t.Helper()
	target := &target{tokens: map[string][]string{}, held: make(chan struct{}, 1)}
	server := httptest.NewServer(target)
	t.Cleanup(server.Close)
	target.URL = server.URL
	return target
}

// ServeHTTP takes a call whose path is its step.
func (t *target) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	step := strings.TrimPrefix(r.URL.Path, "/")
	_, _ = io.Copy(io.Discard, r.Body) // a caller that goes is noticed only after its body
	t.mu.Lock()
	t.tokens[step] = append(t.tokens[step], r.Header.Get("Idempotency-Key"))
	hold := t.hold == step
	if hold {
		t.hold = ""
	}
	t.mu.Unlock()
	if hold {
		t.held <- struct{}{}
		<-r.Context().Done()
		return
	}
	w.WriteHeader(http.StatusOK)
}

// holdAt has the next call of a step wait, and returns once it is there.
func (t *target) holdAt(step string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.hold = step
}

// reached waits for the call that is held.
func (t *target) reached(ctx context.Context) error {
	select {
	case <-t.held:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// forget drops what was seen.
func (t *target) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.tokens)
}

// calls are how often a step has called.
func (t *target) calls(step string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.tokens[step])
}

// distinct is how many tokens a step has called with.
func (t *target) distinct(step string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	tokens := map[string]bool{}
	for _, token := range t.tokens[step] {
		tokens[token] = true
	}
	return len(tokens)
}

// saw requires that every step has called, each with one token of its own however often.
func (t *target) saw(test *testing.T, steps ...string) {
	test.Helper()
	t.mu.Lock()
	defer t.mu.Unlock()
	owner := map[string]string{}
	for _, step := range steps {
		require.NotEmpty(test, t.tokens[step], "%s was never called", step)
		for _, token := range t.tokens[step] {
			require.NotEmpty(test, token, step)
			require.Equal(test, t.tokens[step][0], token, "a repetition of %s has another token", step)
		}
		require.Empty(test, owner[t.tokens[step][0]], "two steps share a token")
		owner[t.tokens[step][0]] = step
	}
}

// steps are the names of so many steps.
func steps(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("s%d", i+1)
	}
	return names
}

// chain is a job of steps that follow one another.
func chain(url string, names []string) string {
	var b strings.Builder
	b.WriteString("apiVersion: fairlead/v1\nname: chain\ninput: {type: object, properties: {pad: {type: string}}}\ndefaults: {timeout: 2s, retry: {attempts: 30, initial: 200ms, factor: 1}}\nsteps:\n")
	for _, name := range names {
		fmt.Fprintf(&b, "  - {id: %s, uses: http, with: {method: POST, url: \"%s/%s\", json: {}}}\n", name, url, name)
	}
	return b.String()
}
