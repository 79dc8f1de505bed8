package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fairlead/fairlead/gateway"
	"github.com/fairlead/fairlead/internal/cli"
	"github.com/fairlead/fairlead/internal/config"
	"github.com/fairlead/fairlead/internal/devstack"
	"github.com/fairlead/fairlead/internal/store"
)

const (
	// defaultDir is the stack's folder, under the working directory.
	defaultDir = ".fairlead"
	// laptopDrain is how long what is in flight may still take after a Ctrl-C, unless the environment says.
	laptopDrain = "FAIRLEAD_DRAIN_TIMEOUT=5s"
	// logFile has what the services log, as JSON lines.
	logFile = "fairlead.log"
)

// local is the stack of one folder, as the commands use it.
type local struct {
	app *cli.App
	dir string
	// portsFrom is the first of the ports that a stack of ours uses; 0 means the defaults.
	portsFrom int
	// database is the Postgres server that the environment names, "" for none.
	database string
}

func commands(app *cli.App) []*cobra.Command {
	l := &local{app: app}
	list := []*cobra.Command{l.dev(), l.demo(), l.token()}
	for _, command := range list {
		command.Flags().StringVar(&l.dir, "dir", defaultDir, "the stack's folder")
	}
	for _, command := range list[:2] {
		command.Flags().IntVar(&l.portsFrom, "ports-from", 0, "first of 13 ports in a row to use: gateway N, runner N+1 … Web UI N+12 (default 4000-4009, 7233, 7243, 8233)")
		command.PreRunE = func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("ports-from") && l.portsFrom == 0 {
				return errors.New("--ports-from: 0 is no port; leave it out for the default ports")
			}
			return nil
		}
	}
	return list
}

func (l *local) dev() *cobra.Command {
	return &cobra.Command{
		Use:   "dev",
		Short: "Run the whole stack on this machine, until Ctrl-C",
		Long: `Run Postgres, Temporal with its Web UI, S3, Redis, an outbox, an OpenID Connect
issuer, the gateway and a worker of every role, in this process and one folder.
The next start goes on where this one stops.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return l.failed(l.serve(cmd.Context(), func(_ context.Context, stack *devstack.Stack) error {
				return l.welcome(stack)
			}))
		},
	}
}

// failed gives an error of the stack the exit code 1, and says what can be done about it.
func (l *local) failed(err error) error {
	if _, ok := errors.AsType[*cli.Exit](err); ok || err == nil {
		return err
	}
	return &cli.Exit{Code: cli.ExitFailed, Err: devstack.Options{Dir: l.folder(), DatabaseURL: l.database}.Advise(err)}
}

// serve runs the stack and the services, and calls ready when all of them are up.
func (l *local) serve(ctx context.Context, ready func(context.Context, *devstack.Stack) error) error {
	cfg, err := config.Load(append([]string{laptopDrain}, l.app.Environ...))
	if err != nil {
		return err
	}
	l.database = cfg.DatabaseURL
	ports, err := l.ports()
	if err != nil {
		return err
	}
	log, err := l.log()
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	observed, err := cli.Observe(cfg, l.app.Name, log)
	if err != nil {
		return err
	}
	defer func() { _ = observed.Shutdown(ctx) }()
	var stack *devstack.Stack
	var services []devstack.Service
	for _, service := range cli.Services(observed, func() []gateway.Option {
		return []gateway.Option{gateway.WithHandler("/dev/outbox", stack.Outbox())}
	}) {
		services = append(services, devstack.Service(service))
	}
	return devstack.Run(ctx, devstack.Options{
		Dir: l.folder(), Ports: ports, DatabaseURL: cfg.DatabaseURL, Base: &cfg, Log: observed.Logger(), Out: l.app.Stdout, Ready: ready,
		Prepare: func(ctx context.Context, started *devstack.Stack) error {
			stack = started
			return migrate(ctx, stack.Config().DatabaseURL)
		},
	}, services...)
}

// migrate brings the schema up to this build's. It is stricter than a deployment's migrate:
// a folder that a newer build has used is kept for that build.
func migrate(ctx context.Context, database string) error {
	current, known, err := store.Versions(ctx, database)
	if err != nil {
		return err
	}
	if current > known {
		return fmt.Errorf("the database has schema version %d, and this build knows %d: a newer build has used it. Start that build, or choose another folder (--dir) or database (FAIRLEAD_DATABASE_URL)", current, known)
	}
	return store.Migrate(ctx, database)
}

// ports are those that a stack of ours uses.
func (l *local) ports() (devstack.Ports, error) {
	ports, err := devstack.PortsFrom(l.portsFrom)
	if err != nil {
		return ports, &cli.Exit{Code: cli.ExitUsage, Err: fmt.Errorf("--ports-from: %w", err)}
	}
	return ports, nil
}

// folder is the stack's folder, absolute.
func (l *local) folder() string {
	if filepath.IsAbs(l.dir) {
		return l.dir
	}
	return filepath.Join(l.app.Dir, l.dir)
}

// log opens the file that everything is logged to: the terminal is for the commands.
func (l *local) log() (*os.File, error) {
	if err := os.MkdirAll(l.folder(), 0o755); err != nil { //nolint:gosec // Postgres's own user passes through it
		return nil, fmt.Errorf("folder of the stack: %w", err)
	}
	file, err := os.OpenFile(filepath.Join(l.folder(), logFile), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("log of the stack: %w", err)
	}
	return file, nil
}

// welcome says where everything is.
func (l *local) welcome(stack *devstack.Stack) error {
	cfg := stack.Config()
	_, err := io.WriteString(l.app.Stdout, fmt.Sprintf(`
Fairlead is up.

  REST API        %[1]s
  Outbox          %[1]s/dev/outbox (what was mailed; needs the token)
  Temporal's UI   %[2]s
  metrics         http://%[6]s
  admin's token   %[3]s
  log             %[4]s

Try, in another terminal:

%[7]s  %[5]s publish examples/{platform_health,chain,graph,fails_on_purpose}/job.yaml
  %[5]s run chain --watch%[8]s

Ctrl-C stops it; the next start goes on where it was.
`, cfg.PublicURL, stack.TemporalUI(), l.shown("token"), l.shown(logFile), "bin/fairlead-dev", cfg.MetricsListen,
		l.elsewhere(cfg.PublicURL), inputs(stack.Ports(), "temporal")))
	return err
}

// elsewhere are the lines that tell the client of a stack whose folder it doesn't find by itself.
func (l *local) elsewhere(gateway string) string {
	if l.folder() == filepath.Join(l.app.Dir, defaultDir) {
		return ""
	}
	return fmt.Sprintf("  export FAIRLEAD_URL=%s FAIRLEAD_TOKEN=\"$(cat '%s')\"\n", gateway, l.shown("token"))
}

// inputs tell an example, whose defaults are the default ports, where the named parts are.
func inputs(ports devstack.Ports, names ...string) string {
	if ports == devstack.DefaultPorts() {
		return ""
	}
	at := map[string]int{"gateway": ports.Gateway, "temporal": ports.TemporalHTTP, "storage": ports.S3}
	var text strings.Builder
	for _, name := range names {
		_, _ = fmt.Fprintf(&text, " -i %s=http://127.0.0.1:%d", name, at[name])
	}
	return text.String()
}

// shown is a file of the stack's folder, as short as it can be written from here.
func (l *local) shown(name string) string {
	path := filepath.Join(l.folder(), name)
	if short, err := filepath.Rel(l.app.Dir, path); err == nil && len(short) < len(path) {
		return short
	}
	return path
}
