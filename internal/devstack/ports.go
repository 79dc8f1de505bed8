package devstack

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"syscall"
)

// loopback is the only address that anything listens on.
const loopback = "127.0.0.1"

// Ports are the TCP ports on 127.0.0.1 that the stack and the services beside it use.
// A zero port means the one of [DefaultPorts].
type Ports struct {
	Gateway      int `json:"gateway"`
	Runner       int `json:"runner"`
	Orchestrator int `json:"orchestrator"`
	Notifier     int `json:"notifier"`
	S3           int `json:"s3"`
	Outbox       int `json:"outbox"`
	Issuer       int `json:"issuer"`
	Redis        int `json:"redis"`
	Postgres     int `json:"postgres"`
	Metrics      int `json:"metrics"`
	Temporal     int `json:"temporal"`
	TemporalHTTP int `json:"temporalHttp"`
	TemporalUI   int `json:"temporalUi"`
}

// DefaultPorts are the fixed ports of a laptop's stack.
func DefaultPorts() Ports {
	return Ports{
		Gateway: 4000, Runner: 4001, Orchestrator: 4002, Notifier: 4003,
		S3: 4004, Outbox: 4005, Issuer: 4006, Redis: 4007, Postgres: 4008,
		Metrics:  4009,
		Temporal: 7233, TemporalHTTP: 7243, TemporalUI: 8233,
	}
}

// PortsFrom are ports in a row, the gateway's first, then as [Ports] lists them; 0 means
// [DefaultPorts]. An error says that there is no such row of ports that anyone may open.
func PortsFrom(first int) (Ports, error) {
	if first == 0 {
		return DefaultPorts(), nil
	}
	var ports Ports
	const lowest = 1024 // those below it are the system's
	if highest := 1<<16 - len(ports.all()); first < lowest || first > highest {
		return Ports{}, fmt.Errorf("the first port %d is not between %d and %d (%d ports in a row are needed)", first, lowest, highest, len(ports.all()))
	}
	for i, port := range ports.all() {
		*port = first + i
	}
	return ports, nil
}

// FreePorts picks ports that nothing listens on just now: for tests that run side by side.
func FreePorts() (Ports, error) {
	var ports Ports
	picked, err := freePorts(len(ports.all()))
	if err != nil {
		return Ports{}, err
	}
	for i, port := range ports.all() {
		*port = picked[i]
	}
	return ports, nil
}

func (p *Ports) all() []*int {
	return []*int{
		&p.Gateway, &p.Runner, &p.Orchestrator, &p.Notifier, &p.S3, &p.Outbox, &p.Issuer,
		&p.Redis, &p.Postgres, &p.Metrics, &p.Temporal, &p.TemporalHTTP, &p.TemporalUI,
	}
}

// withDefaults fills every zero port.
func (p Ports) withDefaults() Ports {
	defaults := DefaultPorts()
	for i, port := range p.all() {
		if *port == 0 {
			*port = *defaults.all()[i]
		}
	}
	return p
}

// freePorts holds all listeners until the last port is picked, so no two are the same.
func freePorts(n int) (ports []int, err error) {
	unforked(func() { ports, err = pickPorts(n) })
	return ports, err
}

// pickPorts tries ports at random, from below the range that outgoing connections are given
// theirs from: one of those could take a port between our picking and our using it.
func pickPorts(n int) ([]int, error) {
	const lowest, highest, tries = 12_000, 30_000, 1_000
	ports := make([]int, 0, n)
	var refusal error
	for range tries {
		port := lowest + rand.IntN(highest-lowest)        //nolint:gosec // not a secret
		listener, err := net.Listen("tcp", address(port)) //nolint:noctx // a local bind does not block
		if err != nil {
			refusal = err
			continue
		}
		defer func() { _ = listener.Close() }()
		if ports = append(ports, port); len(ports) == n {
			return ports, nil
		}
	}
	return nil, fmt.Errorf("no free port on %s: %w", loopback, refusal)
}

// freePort returns port, or one that is free when it is 0.
func freePort(port int) (int, error) {
	if port != 0 {
		return port, nil
	}
	ports, err := freePorts(1)
	if err != nil {
		return 0, err
	}
	return ports[0], nil
}

// PortTakenError says that something else already listens on a port the stack needs.
type PortTakenError struct {
	// Port is the TCP port on 127.0.0.1, Part what wanted to listen there.
	Port int
	Part string
	// Owner is "process N (name)", empty when it cannot be known.
	Owner string
}

func (e *PortTakenError) Error() string {
	by := "another process"
	if e.Owner != "" {
		by = e.Owner
	}
	return fmt.Sprintf("port %d, which %s needs, is taken by %s", e.Port, e.Part, by)
}

// listen opens a port for a part, and tells a taken one by name.
func listen(part string, port int) (net.Listener, error) {
	listener, err := net.Listen("tcp", address(port)) //nolint:noctx // a local bind does not block
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, &PortTakenError{Port: port, Part: part, Owner: portOwner(port)}
	}
	if err != nil {
		return nil, fmt.Errorf("%s on port %d: %w", part, port, err)
	}
	return listener, nil
}

// checkPorts says which of the ports are taken, all at once: the lowest first.
func checkPorts(parts map[string]int) error {
	names := slices.SortedFunc(maps.Keys(parts), func(a, b string) int { return parts[a] - parts[b] })
	var problems []error
	for _, part := range names {
		problems = append(problems, checkPort(part, parts[part]))
	}
	return errors.Join(problems...)
}

// checkPort says early, and by name, that a port is taken which a library will open later.
func checkPort(part string, port int) (err error) {
	unforked(func() {
		var listener net.Listener
		if listener, err = listen(part, port); err == nil {
			err = listener.Close()
		}
	})
	return err
}

func address(port int) string { return net.JoinHostPort(loopback, strconv.Itoa(port)) }
