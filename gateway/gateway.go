// Package gateway is Fairlead's REST service: who calls, may they, is it valid;
// then it keeps a run's row and starts its workflow, and it reads what runs left
// behind. It decides nothing else.
//
// A request goes through
//
//	identify ─▶ access log ─▶ recover ─▶ guard ─▶ generated code ─▶ operation
//	                                       │                          jobs, submit, runs, logs, service
//	                                       └─ token, role, parameters, body: as schema/openapi.yaml says
//
// and every error becomes a problem (package problem).
package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/fairlead/fairlead/internal/config"
)

const (
	headerTimeout = 10 * time.Second
	idleTimeout   = 2 * time.Minute
	// answerTimeout bounds an answer; one that waits has maxWait, a stream renews its time with every piece.
	answerTimeout = maxWait + 30*time.Second
	// maxHeader is the most bytes of a request's header: positions in logs may be long.
	maxHeader = 128 << 10
)

// Option changes what Run serves.
type Option func(*Deps)

// WithHandler serves one more path, a gin pattern such as /dev/outbox or
// /dev/*path, to every caller who has a valid token.
func WithHandler(pattern string, handler http.Handler) Option {
	return func(deps *Deps) { deps.Extra[pattern] = handler }
}

// Run serves the gateway on cfg.GatewayListen until ctx ends, then drains for
// at most cfg.DrainTimeout. It starts without waiting for Postgres, Temporal, S3,
// Redis or the token issuer: /health answers at once, and what needs a part that
// is away is answered with 503.
func Run(ctx context.Context, cfg config.Config, log *slog.Logger, opts ...Option) (err error) {
	if err := cfg.Require("DATABASE_URL", "OIDC_ISSUER", "CALLBACK_KEY"); err != nil {
		return err
	}
	deps, closeAll, err := connect(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeAll()) }()
	draining := make(chan struct{})
	deps.Draining = draining
	for _, option := range opts {
		option(&deps)
	}
	handler, err := New(deps)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.GatewayListen)
	if err != nil {
		return fmt.Errorf("gateway: %w", err)
	}
	log.InfoContext(ctx, "gateway serves", "address", listener.Addr().String())
	return serve(ctx, newServer(ctx, handler, log), listener, cfg.DrainTimeout, func() { close(draining) })
}

func newServer(ctx context.Context, handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTimeout,
		WriteTimeout:      answerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		BaseContext:       func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
}

// serve serves until ctx ends; then it calls drain, finishes what it has begun, and returns.
func serve(ctx context.Context, server *http.Server, listener net.Listener, patience time.Duration, drain func()) error {
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("gateway: %w", err)
	case <-ctx.Done():
	}
	drain()
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	err := server.Shutdown(stopping)
	if err != nil {
		err = errors.Join(fmt.Errorf("gateway: not every answer was finished in %s: %w", patience, err), server.Close())
	}
	if stopped := <-failed; !errors.Is(stopped, http.ErrServerClosed) {
		err = errors.Join(err, fmt.Errorf("gateway: %w", stopped))
	}
	return err
}
