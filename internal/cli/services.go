package cli

import (
	"context"
	"errors"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/fairlead/fairlead/gateway"
	"github.com/fairlead/fairlead/internal/config"
	"github.com/fairlead/fairlead/internal/store"
	"github.com/fairlead/fairlead/workers"
)

// service makes a command that runs until ctx ends, with its settings from the environment.
func (a *App) service(use, short string, run func(ctx context.Context, cfg config.Config, log *slog.Logger) error) *cobra.Command {
	return &cobra.Command{
		Use:   use,
		Short: short,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.Load(a.Environ)
			if err != nil {
				return err
			}
			err = run(cmd.Context(), cfg, a.Logger(cfg.LogLevel))
			if err != nil && !errors.Is(err, context.Canceled) {
				return &Exit{Code: ExitFailed, Err: err}
			}
			return nil
		},
	}
}

// Logger writes JSON lines of a level (debug, info, warn, error) and graver to standard error.
func (a *App) Logger(level string) *slog.Logger {
	var least slog.Level
	if err := least.UnmarshalText([]byte(level)); err != nil {
		least = slog.LevelInfo
	}
	return slog.New(slog.NewJSONHandler(a.Stderr, &slog.HandlerOptions{Level: least}))
}

func (a *App) gateway() *cobra.Command {
	return a.service("gateway", "Serve the REST API (production)", func(ctx context.Context, cfg config.Config, log *slog.Logger) error {
		return gateway.Run(ctx, cfg, log)
	})
}

func (a *App) worker() *cobra.Command {
	var role string
	cmd := a.service("worker", "Serve one role's workflows and activities (production)", func(ctx context.Context, cfg config.Config, log *slog.Logger) error {
		return workers.Run(ctx, cfg, role, log)
	})
	cmd.Flags().StringVar(&role, "role", "", "runner, orchestrator or notifier")
	if err := cmd.MarkFlagRequired("role"); err != nil {
		panic(err) // unreachable: the flag is made in the line above
	}
	return cmd
}

func (a *App) migrate() *cobra.Command {
	return a.service("migrate", "Bring the database at FAIRLEAD_DATABASE_URL up to this build's schema", func(ctx context.Context, cfg config.Config, _ *slog.Logger) error {
		if err := cfg.Require("DATABASE_URL"); err != nil {
			return err
		}
		return store.Migrate(ctx, cfg.DatabaseURL)
	})
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

// Service is one of Fairlead's processes, to be run beside others in one.
type Service struct {
	// Name is the role's.
	Name string
	// Run serves until ctx ends.
	Run func(ctx context.Context, cfg config.Config, log *slog.Logger) error
	// Health is the URL that answers 200 while it serves.
	Health func(cfg config.Config) string
}

// Services are the gateway and a worker of every role. The gateway also serves what
// options add to it, known when it starts.
func Services(options func() []gateway.Option) []Service {
	services := []Service{{
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
				return workers.Run(ctx, cfg, role, log)
			},
			Health: func(cfg config.Config) string { return "http://" + listen[role](cfg) + "/ready" },
		})
	}
	return services
}
