package devstack

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"
	_ "time/tzdata" // schedules load their zones from the server's environment

	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/membership/static"
	"go.temporal.io/server/common/primitives"
	"go.temporal.io/server/temporal"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

const (
	temporalStartTimeout = time.Minute
	temporalStopTimeout  = 20 * time.Second
	// TemporalNamespace is the namespace that exists from the start.
	TemporalNamespace = "default"
)

// temporalOptions say where a Temporal server keeps its state and where it listens.
type temporalOptions struct {
	// Dir is the stack's folder; the server's log goes to Dir/temporal.log.
	Dir string
	// DatabaseURL is a database on the Postgres server that the databases temporal and
	// temporal_visibility are made on.
	DatabaseURL string
	// Port and HTTPPort are the frontend's for gRPC and for its HTTP API; 0 picks a free one.
	Port, HTTPPort int
}

// temporalServer is a Temporal server in this process, persistent in Postgres.
type temporalServer struct {
	options temporalOptions
	failed  func(error) // told when the server gives up by itself

	mu      sync.Mutex
	server  temporal.Server // nil while it is stopped
	logFile *logFile
}

func newTemporal(options temporalOptions) (*temporalServer, error) {
	dir, err := makeFolder(options.Dir)
	if err != nil {
		return nil, err
	}
	options.Dir = dir
	if options.Port, err = freePort(options.Port); err != nil {
		return nil, err
	}
	if options.HTTPPort, err = freePort(options.HTTPPort); err != nil {
		return nil, err
	}
	return &temporalServer{options: options, failed: func(error) {}}, nil
}

// Name implements [Part].
func (t *temporalServer) Name() string { return "Temporal" }

// Address is host:port of the frontend (gRPC).
func (t *temporalServer) Address() string { return address(t.options.Port) }

// Start starts a stopped server on the same databases and ports; a running one is left alone.
func (t *temporalServer) Start(ctx context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.server != nil {
		return nil
	}
	err := errors.Join(checkPort("Temporal", t.options.Port), checkPort("Temporal's HTTP API", t.options.HTTPPort))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, temporalStartTimeout)
	defer cancel()
	if t.logFile, err = openLog(filepath.Join(t.options.Dir, "temporal.log")); err != nil {
		return err
	}
	if err := t.launch(ctx); err != nil {
		return errors.Join(err, t.stop(ctx))
	}
	return nil
}

func (t *temporalServer) launch(ctx context.Context) error {
	logger := t.logger()
	if err := prepareDatabases(ctx, t.options.DatabaseURL, logger); err != nil {
		return err
	}
	settings, hosts, err := serverConfig(t.options)
	if err != nil {
		return err
	}
	server, err := temporal.NewServer(
		temporal.WithConfig(settings),
		temporal.ForServices(temporal.DefaultServices),
		temporal.WithStaticHosts(hosts),
		temporal.WithDynamicConfigClient(dynamicConfig()),
		temporal.WithLogger(logger),
		temporal.WithAuthorizer(authorization.NewNoopAuthorizer()),
		temporal.WithClaimMapper(func(*config.Config) authorization.ClaimMapper { return authorization.NewNoopClaimMapper() }),
	)
	if err != nil {
		return fmt.Errorf("start the Temporal server: %w; its log is %s", err, t.logFile.path)
	}
	t.server = server
	if err := server.Start(); err != nil {
		return fmt.Errorf("start the Temporal server: %w; its log is %s", err, t.logFile.path)
	}
	return prepareNamespace(ctx, t.Address())
}

// logger writes warnings and worse to the log file. Where the server would end the process
// it ends the goroutine instead, and says so: the rest of the stack can still stop cleanly.
func (t *temporalServer) logger() log.Logger {
	core := zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), t.logFile, zap.WarnLevel)
	return log.NewZapLogger(zap.New(core, zap.WithFatalHook(fatalHook(t.failed))))
}

type fatalHook func(error)

// OnWrite implements [zapcore.CheckWriteHook].
func (f fatalHook) OnWrite(entry *zapcore.CheckedEntry, _ []zapcore.Field) {
	f(fmt.Errorf("the Temporal server gave up: %s", entry.Message))
	zapcore.WriteThenGoexit.OnWrite(entry, nil)
}

// Stop stops the server; what runs in it goes on at the next start.
func (t *temporalServer) Stop(ctx context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.stop(ctx)
}

func (t *temporalServer) stop(ctx context.Context) error {
	if t.logFile == nil {
		return nil
	}
	var err error
	if t.server != nil {
		stopped := make(chan error, 1)
		go func(server temporal.Server) { stopped <- server.Stop() }(t.server)
		ctx, cancel := stopping(ctx, temporalStopTimeout)
		defer cancel()
		select {
		case err = <-stopped:
		case <-ctx.Done():
			err = fmt.Errorf("stop Temporal: %w", ctx.Err())
		}
	}
	err = errors.Join(err, t.logFile.Close())
	t.server, t.logFile = nil, nil
	return err
}

// staticHosts names the one address of each service, in place of a membership protocol.
func staticHosts(services map[string]config.Service) map[primitives.ServiceName]static.Hosts {
	hosts := make(map[primitives.ServiceName]static.Hosts, len(services))
	for name, service := range services {
		hosts[primitives.ServiceName(name)] = static.SingleLocalHost(address(service.RPC.GRPCPort))
	}
	return hosts
}
