package away_test

import (
	"context"
	"net"
	"sync"
)

// proxy stands between the services and a part: it can refuse every connection, as an
// absent server does, or go on taking bytes and never answer.
type proxy struct {
	address, upstream string

	mu       sync.Mutex
	listener net.Listener // nil while it refuses
	open     map[net.Conn]bool
	flow     chan struct{} // closed while bytes go through
	running  sync.WaitGroup
}

// newProxy serves upstream (host:port) on a free port.
func newProxy(upstream string) (*proxy, error) {
	p := &proxy{address: "127.0.0.1:0", upstream: upstream, open: map[net.Conn]bool{}, flow: make(chan struct{})}
	close(p.flow)
	return p, p.accept()
}

// accept takes connections, on the same port as before.
func (p *proxy) accept() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil {
		return nil
	}
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", p.address)
	if err != nil {
		return err
	}
	p.listener, p.address = listener, listener.Addr().String()
	p.running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			p.running.Go(func() { p.serve(conn) })
		}
	})
	return nil
}

// refuse breaks every connection and takes no more.
func (p *proxy) refuse() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener == nil {
		return
	}
	_ = p.listener.Close()
	p.listener = nil
	for conn := range p.open {
		_ = conn.Close()
	}
}

// freeze takes connections and bytes, and passes none on until thaw.
func (p *proxy) freeze() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.flow = make(chan struct{})
}

func (p *proxy) thaw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.flow:
	default:
		close(p.flow)
	}
}

// close ends everything.
func (p *proxy) close() {
	p.refuse()
	p.thaw()
	p.running.Wait()
}

func (p *proxy) wait() {
	p.mu.Lock()
	flow := p.flow
	p.mu.Unlock()
	<-flow
}

// keep notes a connection, so that refuse can break it; false when it came too late.
func (p *proxy) keep(conn net.Conn, keep bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !keep {
		delete(p.open, conn)
		return false
	}
	p.open[conn] = true
	return p.listener != nil
}

func (p *proxy) serve(client net.Conn) {
	defer func() { _ = client.Close() }()
	defer p.keep(client, false)
	if !p.keep(client, true) {
		return
	}
	p.wait()
	server, err := new(net.Dialer).DialContext(context.Background(), "tcp", p.upstream)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	defer p.keep(server, false)
	if !p.keep(server, true) {
		return
	}
	p.running.Go(func() { p.copy(client, server) })
	p.copy(server, client)
}

// copy passes bytes on until one side ends, and ends the other.
func (p *proxy) copy(to, from net.Conn) {
	defer func() { _, _ = to.Close(), from.Close() }()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		p.wait()
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
