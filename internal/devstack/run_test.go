package devstack_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/config"
	"github.com/fairlead/fairlead/internal/devstack"
)

// journal is what happened, in order.
type journal struct {
	mu     sync.Mutex
	events []string
}

func (j *journal) add(event string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.events = append(j.events, event)
}

// web is a service that answers on the gateway's port, and uses the database to its end.
func web(t *testing.T, happened *journal) devstack.Service {
	t.Helper()
	return devstack.Service{
		Name:   "gateway",
		Health: func(cfg config.Config) string { return "http://" + cfg.GatewayListen },
		Run: func(ctx context.Context, cfg config.Config, _ *slog.Logger) error {
			listener, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.GatewayListen)
			if err != nil {
				return err
			}
			server := &http.Server{
				Handler:           http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}),
				ReadHeaderTimeout: time.Second,
			}
			go func() { _ = server.Serve(listener) }()
			<-ctx.Done()
			connection, err := pgx.Connect(context.WithoutCancel(ctx), cfg.DatabaseURL)
			if err == nil {
				happened.add("drained on a live database")
				err = connection.Close(context.WithoutCancel(ctx))
			}
			return errors.Join(err, server.Close())
		},
	}
}

//nolint:paralleltest // one S3 server in a process, and it moves the working directory
func TestRunStopsServicesBeforeTheStack(t *testing.T) {
	happened := new(journal)
	ctx, cancel := context.WithCancel(t.Context())
	options := shared(t)
	options.Prepare = func(context.Context, *devstack.Stack) error { happened.add("prepared"); return nil }
	options.Ready = func(ctx context.Context, stack *devstack.Stack) error {
		happened.add("ready")
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, stack.Config().PublicURL, http.NoBody)
		require.NoError(t, err)
		request.Close = true
		response, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		cancel()
		return nil
	}
	require.NoError(t, devstack.Run(ctx, options, web(t, happened)))
	require.Equal(t, []string{"prepared", "ready", "drained on a live database"}, happened.events)
	_, running := devstack.Running(options.Dir)
	require.False(t, running)
}

//nolint:paralleltest // one S3 server in a process, and it moves the working directory
func TestRunEndsWithWhatFails(t *testing.T) {
	boom := errors.New("boom")
	tests := map[string]struct {
		change func(*devstack.Options)
		broken func(context.Context, config.Config, *slog.Logger) error
		want   string
	}{
		"a service": {
			broken: func(context.Context, config.Config, *slog.Logger) error { return boom },
			want:   "runner: boom",
		},
		"a service that just ends": {
			broken: func(context.Context, config.Config, *slog.Logger) error { return nil },
			want:   "runner: it ended by itself",
		},
		"the preparation": {
			change: func(o *devstack.Options) {
				o.Prepare = func(context.Context, *devstack.Stack) error { return boom }
			},
			want: "boom",
		},
		"the hook": {
			change: func(o *devstack.Options) {
				o.Ready = func(context.Context, *devstack.Stack) error { return boom }
			},
			want: "boom",
		},
	}
	folder := shared(t)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			options := folder
			if test.change != nil {
				test.change(&options)
			}
			services := []devstack.Service{web(t, new(journal))}
			if test.broken != nil {
				services = append(services, devstack.Service{Name: "runner", Run: test.broken})
			}
			err := devstack.Run(t.Context(), options, services...)
			require.ErrorContains(t, err, test.want)
		})
	}
}

//nolint:paralleltest // one S3 server in a process, and it moves the working directory
func TestRunNamesAServicesTakenPort(t *testing.T) {
	options := shared(t)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: options.Ports.Runner}).String())
	require.NoError(t, err)
	defer func() { require.NoError(t, listener.Close()) }()
	err = devstack.Run(t.Context(), options, web(t, new(journal)))
	taken := new(devstack.PortTakenError)
	require.ErrorAs(t, err, &taken)
	require.Equal(t, "the runner", taken.Part)
}
