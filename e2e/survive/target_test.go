package survive_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

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
func (s *target) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	step := strings.TrimPrefix(r.URL.Path, "/")
	_, _ = io.Copy(io.Discard, r.Body) // a caller that goes is noticed only after its body
	s.mu.Lock()
	s.tokens[step] = append(s.tokens[step], r.Header.Get("Idempotency-Key"))
	hold := s.hold == step
	if hold {
		s.hold = ""
	}
	s.mu.Unlock()
	if hold {
		s.held <- struct{}{}
		<-r.Context().Done()
		return
	}
	w.WriteHeader(http.StatusOK)
}

// holdAt has the next call of a step wait until its caller goes.
func (s *target) holdAt(step string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hold = step
}

// reached waits for the call that is held.
func (s *target) reached(t *testing.T) {
	t.Helper()
	select {
	case <-s.held:
	case <-time.After(patience):
		require.Fail(t, "the call that is to be held never came")
	}
}

// forget drops what was seen.
func (s *target) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.tokens)
}

// calls are how often a step has called.
func (s *target) calls(step string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.tokens[step])
}

// distinct is how many tokens a step has called with.
func (s *target) distinct(step string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	tokens := map[string]bool{}
	for _, token := range s.tokens[step] {
		tokens[token] = true
	}
	return len(tokens)
}

// saw requires that every step has called, each with one token of its own however often.
func (s *target) saw(t *testing.T, steps ...string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	owner := map[string]string{}
	for _, step := range steps {
		require.NotEmpty(t, s.tokens[step], "%s was never called", step)
		for _, token := range s.tokens[step] {
			require.NotEmpty(t, token, step)
			require.Equal(t, s.tokens[step][0], token, "a repetition of %s has another token", step)
		}
		require.Empty(t, owner[s.tokens[step][0]], "two steps share a token")
		owner[s.tokens[step][0]] = step
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
