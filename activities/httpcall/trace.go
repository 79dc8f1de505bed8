package httpcall

import (
	"context"
	"crypto/tls"
	"net/http/httptrace"
	"sync"
)

// trace notes how far a request got: the same error means different things
// before and after the first byte of the answer. Hooks may run on other
// goroutines, and after the request has ended.
type trace struct {
	mu        sync.Mutex
	connected bool
	answered  bool
	handshake error
}

// attach returns a context whose requests the trace follows; of a redirected request, the last hop.
func (t *trace) attach(ctx context.Context) context.Context {
	set := func(change func()) {
		t.mu.Lock()
		defer t.mu.Unlock()
		change()
	}
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn:              func(string) { set(func() { t.connected, t.answered, t.handshake = false, false, nil }) },
		GotConn:              func(httptrace.GotConnInfo) { set(func() { t.connected = true }) },
		GotFirstResponseByte: func() { set(func() { t.answered = true }) },
		TLSHandshakeDone: func(_ tls.ConnectionState, err error) {
			set(func() { t.handshake = err })
		},
	})
}

// reached returns whether a connection stood, whether the answer had begun, and the handshake's error.
func (t *trace) reached() (connected, answered bool, handshake error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.connected, t.answered, t.handshake
}
