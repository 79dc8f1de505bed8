package devstack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

const httpStopTimeout = 5 * time.Second

// httpPart serves a handler on a port of its own.
type httpPart struct {
	name    string
	port    int
	handler http.Handler

	mu     sync.Mutex
	server *http.Server // nil while it is stopped
	done   chan error
}

func (p *httpPart) Name() string { return p.name }

func (p *httpPart) url() string { return "http://" + address(p.port) }

func (p *httpPart) Start(context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.server != nil {
		return nil
	}
	listener, err := listen(p.name, p.port)
	if err != nil {
		return err
	}
	p.server = &http.Server{Handler: p.handler, ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 64 << 10}
	p.done = make(chan error, 1)
	go func(server *http.Server, done chan<- error) { done <- server.Serve(listener) }(p.server, p.done)
	return nil
}

func (p *httpPart) Stop(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.server == nil {
		return nil
	}
	ctx, cancel := stopping(ctx, httpStopTimeout)
	defer cancel()
	err := p.server.Shutdown(ctx)
	if err != nil { // somebody holds a connection: close it
		err = p.server.Close()
	}
	if ended := <-p.done; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, fmt.Errorf("%s: %w", p.name, ended))
	}
	p.server = nil
	return err
}
