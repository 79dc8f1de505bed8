package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"golang.org/x/sync/errgroup"

	"github.com/fairlead/fairlead/gateway"
	"github.com/fairlead/fairlead/internal/config"
	"github.com/fairlead/fairlead/internal/store"
	"github.com/fairlead/fairlead/internal/telemetry"
	"github.com/fairlead/fairlead/workers"
)

const headerTimeout = 5 * time.Second

// Service is one of Fairlead's processes, to be run beside others in one.
type Service struct {
	// Name is the role's.
	Name string
	// Run serves until ctx ends.
	Run func(ctx context.Context, cfg config.Config, log *slog.Logger) error
	// Health is the URL that answers 200 while it serves; nil when there is none.
	Health func(cfg config.Config) string
}

// Services are the gateway, a worker of every role, and the page with the process's
// metrics. The gateway also serves what options add to it, known when it starts.
func Services(observed *telemetry.Telemetry, options func() []gateway.Option) []Service {
	services := []Service{metrics(observed), {
		Name: "gateway",
		Run: func(ctx context.Context, cfg config.Config, log *slog.Logger) error {
			return gateway.Run(ctx, cfg, log, options()...)
		},
		Health: func(cfg config.Config) string { return "http://" + cfg.GatewayListen + "/ready" },
	}}
	listen := map[string]func(config.Config) string{
		workers.RoleRunner:       func(cfg config.Config) string { return cfg.RunnerListen },
		workers.RoleOrchestrator: func(cfg config.Config) string { return cfg.OrchestratorListen },
		workers.RoleNotifier:     func(cfg config.Config) string { return cfg.NotifierListen },
	}
	for _, role := range workers.Roles() {
		services = append(services, Service{
			Name: role,
			Run: func(ctx context.Context, cfg config.Config, log *slog.Logger) error {
				return workers.Run(ctx, cfg, role, log, workers.WithMetrics(observed.TemporalMetrics()))
			},
			Health: func(cfg config.Config) string { return "http://" + listen[role](cfg) + "/ready" },
		})
	}
	return services
}

// metrics serves what the process measures; it does nothing without an address.
func metrics(observed *telemetry.Telemetry) Service {
	return Service{Name: "metrics", Run: func(ctx context.Context, cfg config.Config, _ *slog.Logger) error {
		if cfg.MetricsListen == "" {
			<-ctx.Done()
			return nil
		}
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.MetricsListen)
		if err != nil {
			return fmt.Errorf("metrics: %w", err)
		}
		server := &http.Server{Handler: observed.Metrics(), ReadHeaderTimeout: headerTimeout}
		stop := context.AfterFunc(ctx, func() { _ = server.Close() })
		defer stop()
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("metrics: %w", err)
		}
		return nil
	}}
}

// Observe makes the telemetry of a process, with its log going to w. It sets the globals of
// OpenTelemetry, which is where libraries find the tracer, and of the Redis client: call it once, where the process begins.
func Observe(cfg config.Config, name string, w io.Writer) (*telemetry.Telemetry, error) {
	observed, err := telemetry.New(telemetry.Options{LogLevel: cfg.LogLevel, OTLPEndpoint: cfg.OTLPEndpoint}, name, w)
	if err != nil {
		return nil, err
	}
	otel.SetTracerProvider(observed.TracerProvider())
	otel.SetTextMapPropagator(propagation.TraceContext{})
	redis.SetLogger(redisLog{observed.Logger()})
	return observed, nil
}

// redisLog takes what the Redis client would write to the process's standard error, a
// line for each connection that it can't make. Who uses Redis says that it is away.
type redisLog struct{ log *slog.Logger }

// Printf implements the client's logger.
func (r redisLog) Printf(ctx context.Context, format string, args ...any) {
	r.log.DebugContext(ctx, "Redis client", "message", fmt.Sprintf(format, args...))
}

// service makes a command that runs one service, with its settings from the environment, until ctx ends.
func (a *App) service(use, short string, pick func(cfg config.Config, observed *telemetry.Telemetry) (Service, error)) *cobra.Command {
	return &cobra.Command{
		Use:   use,
		Short: short,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.Load(a.Environ)
			if err != nil {
				return err
			}
			observed, err := Observe(cfg, "fairlead-"+use, a.Stderr)
			if err != nil {
				return err
			}
			service, err := pick(cfg, observed)
			if err != nil {
				return err
			}
			if err := runWithMetrics(cmd.Context(), cfg, service, observed); err != nil {
				return &Exit{Code: ExitFailed, Err: err}
			}
			return nil
		},
	}
}

// runWithMetrics serves until ctx ends or something fails, then sends what telemetry still has.
func runWithMetrics(ctx context.Context, cfg config.Config, service Service, observed *telemetry.Telemetry) error {
	group, serving := errgroup.WithContext(ctx)
	for _, one := range []Service{service, metrics(observed)} {
		group.Go(func() error { return one.Run(serving, cfg, observed.Logger()) })
	}
	err := group.Wait()
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = nil
	}
	return errors.Join(err, observed.Shutdown(context.WithoutCancel(ctx)))
}

// named picks one of [Services].
func named(name string, observed *telemetry.Telemetry) (Service, error) {
	services := Services(observed, func() []gateway.Option { return nil })
	at := slices.IndexFunc(services, func(service Service) bool { return service.Name == name })
	if at < 0 {
		return Service{}, fmt.Errorf("there is no service %q", name)
	}
	return services[at], nil
}

func (a *App) gateway() *cobra.Command {
	return a.service("gateway", "Serve the REST API (production)", func(_ config.Config, observed *telemetry.Telemetry) (Service, error) {
		return named("gateway", observed)
	})
}

func (a *App) worker() *cobra.Command {
	var role string
	cmd := a.service("worker", "Serve one role's workflows and activities (production)", func(_ config.Config, observed *telemetry.Telemetry) (Service, error) {
		if !slices.Contains(workers.Roles(), role) {
			return Service{}, fmt.Errorf("--role %q is none of %s", role, strings.Join(workers.Roles(), ", "))
		}
		return named(role, observed)
	})
	cmd.Flags().StringVar(&role, "role", "", strings.Join(workers.Roles(), ", "))
	if err := cmd.MarkFlagRequired("role"); err != nil {
		panic(err) // unreachable: the flag is made in the line above
	}
	return cmd
}

func (a *App) migrate() *cobra.Command {
	return &cobra.Command{
		Use:   "migrate",
		Short: "Bring the database at FAIRLEAD_DATABASE_URL up to this build's schema",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.Load(a.Environ)
			if err := errors.Join(err, cfg.Require("DATABASE_URL")); err != nil {
				return err
			}
			if err := store.Migrate(cmd.Context(), cfg.DatabaseURL); err != nil {
				return &Exit{Code: ExitFailed, Err: err}
			}
			return nil
		},
	}
}

func (a *App) config() *cobra.Command {
	return &cobra.Command{
		Use:   "config",
		Short: "Print the effective settings, secrets masked",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			cfg, err := config.Load(a.Environ)
			if err != nil {
				return err
			}
			if a.output == outputJSON {
				values := map[string]string{}
				for _, setting := range cfg.Settings() {
					values[setting.Name] = setting.Value
				}
				return a.printJSON(values)
			}
			rows := [][]string{{"SETTING", "VALUE"}}
			for _, setting := range cfg.Settings() {
				rows = append(rows, []string{setting.Name, setting.Value})
			}
			return table(a.Stdout, rows)
		},
	}
}
