package workers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// pingTimeout bounds one look at a part for /ready.
	pingTimeout = 2 * time.Second
	// headerTimeout bounds how long a client may take to say what it wants.
	headerTimeout = 5 * time.Second
	closeTimeout  = 5 * time.Second
)

// The states of a role, as /ready tells them: starting → serving → draining.
const (
	stateStarting = "starting"
	stateServing  = "serving"
	stateDraining = "draining"
)

// health answers /health and /ready of a role.
type health struct {
	role string

	mu    sync.RWMutex
	state string
	pings map[string]func(context.Context) error
}

// status is the body of both answers.
type status struct {
	Role   string `json:"role"`
	Status string `json:"status"`
	// Parts says of each part "ok" or why it isn't reached.
	Parts map[string]string `json:"parts,omitempty"`
}

func (h *health) set(state string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.state = state
}

func (h *health) now() string {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.state
}

// watch adds a part that /ready looks at.
func (h *health) watch(name string, ping func(context.Context) error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.pings == nil {
		h.pings = map[string]func(context.Context) error{}
	}
	h.pings[name] = ping
}

// handler serves /health (200 as long as the process lives) and /ready (200
// while it takes work and its parts answer, else 503).
func (h *health) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, status{Role: h.role, Status: "ok"})
	})
	mux.HandleFunc("GET /ready", func(w http.ResponseWriter, r *http.Request) {
		state := h.now()
		parts, ok := h.look(r.Context())
		code := http.StatusOK
		if state != stateServing || !ok {
			code = http.StatusServiceUnavailable
			w.Header().Set("Retry-After", "2")
		}
		answer(w, code, status{Role: h.role, Status: state, Parts: parts})
	})
	return mux
}

// look pings every part at once.
func (h *health) look(ctx context.Context) (map[string]string, bool) {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	h.mu.RLock()
	pings := maps.Clone(h.pings)
	h.mu.RUnlock()
	var (
		mu    sync.Mutex
		wg    sync.WaitGroup
		ok    = true
		parts = map[string]string{}
	)
	for name, ping := range pings {
		wg.Go(func() {
			err := ping(ctx)
			mu.Lock()
			defer mu.Unlock()
			parts[name] = "ok"
			if err != nil {
				parts[name], ok = "no answer", false
			}
		})
	}
	wg.Wait()
	return parts, ok
}

func answer(w http.ResponseWriter, code int, body status) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body)
}

// serve answers on an address until close is called; a taken address is an error at once.
func (h *health) serve(ctx context.Context, address string, log *slog.Logger) (closeServer func() error, err error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("role %s can't listen on %s: %w", h.role, address, err)
	}
	server := &http.Server{Handler: h.handler(), ReadHeaderTimeout: headerTimeout, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	return func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		err := server.Shutdown(ctx)
		if served := <-done; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
		return err
	}, nil
}
