package devstack

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/temporalio/ui-server/v2/server"
	"github.com/temporalio/ui-server/v2/server/config"
	"github.com/temporalio/ui-server/v2/server/server_options"
)

const uiStartTimeout = 15 * time.Second

// temporalUI is Temporal's web UI. It calls nothing outside the machine.
type temporalUI struct {
	port     int
	temporal string // the frontend's host:port

	mu     sync.Mutex
	server *server.Server // nil while it is stopped
	done   chan error
}

func (u *temporalUI) Name() string { return "Web UI" }

func (u *temporalUI) url() string { return "http://" + address(u.port) }

func (u *temporalUI) Start(ctx context.Context) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.server != nil {
		return nil
	}
	if err := checkPort("Temporal's Web UI", u.port); err != nil { // its own answer to a taken port is to end the process
		return err
	}
	u.server = server.NewServer(server_options.WithConfigProvider(&config.Config{
		TemporalGRPCAddress: u.temporal, Host: loopback, Port: u.port, EnableUI: true, DefaultNamespace: TemporalNamespace,
		DisableNewsFetch: true, NotifyOnNewVersion: false, HideLogs: true, CORS: config.CORS{CookieInsecure: true},
	}))
	u.done = make(chan error, 1)
	go func(started *server.Server, done chan<- error) { done <- started.Start() }(u.server, u.done)
	ctx, cancel := context.WithTimeout(ctx, uiStartTimeout)
	defer cancel()
	return retry(ctx, "Temporal's Web UI on port "+fmt.Sprint(u.port), func() error { return healthy(ctx, u.url()+"/healthz") })
}

func (u *temporalUI) Stop(ctx context.Context) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.server == nil {
		return nil
	}
	u.server.Stop()
	u.server = nil
	ctx, cancel := stopping(ctx, uiStartTimeout)
	defer cancel()
	select {
	case err := <-u.done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("stop Temporal's Web UI: %w", ctx.Err())
	}
}

// healthy is nil when a GET of url answers 200. It keeps no connection.
func healthy(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return fmt.Errorf("health of %s: %w", url, err)
	}
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, response.Status)
	}
	return nil
}
