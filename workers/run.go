package workers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/worker"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/config"
	"github.com/fairlead/fairlead/workflows"
)

const (
	// pollers are for each of workflow and activity tasks: the SDK's two keep a quick worker waiting.
	pollers = 8
	// slots are how many tasks of a kind run at once. An attempt may hold an
	// answer of 4 MiB, so that this bounds memory too.
	slots = 200
	// deadlockAfter is how long workflow code may run without a pause before it is
	// taken for stuck. Expressions are bounded by their cost, and the values that a
	// run keeps by their size, so that it ends; but decoding them takes seconds. The
	// server gives a workflow task 10 s.
	deadlockAfter = 8 * time.Second
	// upkeepCheck is how often the orchestrator makes sure that there is an Upkeep:
	// one that an operator terminated is started again.
	upkeepCheck = time.Minute
	// heartbeatThrottle is the longest that a heartbeat is held back, and so
	// how long a cancellation may take to be seen.
	heartbeatThrottle = 5 * time.Second
)

// Option changes how [Run] runs a role.
type Option func(*options)

type options struct {
	metrics client.MetricsHandler
}

// WithMetrics measures Temporal's SDK; without it nothing is.
func WithMetrics(handler client.MetricsHandler) Option {
	return func(o *options) { o.metrics = handler }
}

// Run serves a role until ctx ends, then drains for up to cfg.DrainTimeout and
// returns nil. It answers /health and /ready on the role's address from the
// start on, and waits for Postgres and Temporal as long as it takes. An error
// is one of the settings, of the address, or one that polling can't go on with.
func Run(ctx context.Context, cfg config.Config, role string, log *slog.Logger, opts ...Option) (err error) {
	if !slices.Contains(Roles(), role) {
		return fmt.Errorf("there is no role %q; the roles are %s", role, strings.Join(Roles(), ", "))
	}
	if err := cfg.Require(required(role)...); err != nil {
		return err
	}
	var set options
	for _, opt := range opts {
		opt(&set)
	}
	log = log.With("role", role)
	state := &health{role: role, state: stateStarting}
	closeServer, err := state.serve(ctx, listen(cfg, role), log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeServer()) }()
	parts, err := open(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, parts.close()) }()
	if err := parts.serve(ctx, cfg, role, log, set.metrics, state); ctx.Err() == nil {
		return err
	}
	return nil // told to stop, perhaps before it had begun
}

// serve connects, polls until ctx ends, and drains.
func (b *backend) serve(ctx context.Context, cfg config.Config, role string, log *slog.Logger, metrics client.MetricsHandler, state *health) error {
	if err := b.reach(ctx, cfg, log, metrics); err != nil {
		return err
	}
	parts, err := b.parts(ctx, cfg, log)
	if err != nil {
		return err
	}
	fatal := make(chan error, 1)
	polling, err := insist(ctx, log, "Temporal's task queue", func(context.Context) (worker.Worker, error) {
		w := worker.New(b.client, queue(role), workerOptions(cfg, fatal))
		Register(w, role, parts)
		return w, w.Start()
	})
	if err != nil {
		return err
	}
	defer polling.Stop()
	if role == RoleOrchestrator {
		if _, err := insist(ctx, log, "the Upkeep workflow", b.startUpkeep); err != nil {
			return err
		}
		defer every(ctx, upkeepCheck, func(ctx context.Context) {
			if _, err := b.startUpkeep(ctx); err != nil && ctx.Err() == nil {
				log.Warn("no look at the Upkeep workflow", "error", err)
			}
		})()
	}
	state.watch("postgres", b.store.Ping)
	state.watch("temporal", b.pingTemporal)
	state.set(stateServing)
	log.Info("serving", "queue", queue(role))
	select {
	case <-ctx.Done():
		state.set(stateDraining)
		log.Info("draining", "timeout", cfg.DrainTimeout)
		return nil
	case err := <-fatal:
		return fmt.Errorf("role %s can't go on: %w", role, err)
	}
}

// startUpkeep starts the one Upkeep of the namespace, unless it runs.
func (b *backend) startUpkeep(ctx context.Context) (client.WorkflowRun, error) {
	return b.client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:                       workflows.UpkeepID,
		TaskQueue:                activities.QueueUpkeep,
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
	}, workflows.TypeUpkeep)
}

// every calls do again and again until ctx ends or the returned function is
// called, which waits for a call that is under way.
func every(ctx context.Context, pause time.Duration, do func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() {
		ticker := time.NewTicker(pause)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				do(ctx)
			case <-ctx.Done():
				return
			}
		}
	})
	return func() {
		cancel()
		running.Wait()
	}
}

func (b *backend) pingTemporal(ctx context.Context) error {
	_, err := b.client.CheckHealth(ctx, &client.CheckHealthRequest{})
	return err
}

// Tuning are the options that the worker of every role has.
func Tuning(cfg config.Config) worker.Options {
	return worker.Options{
		MaxConcurrentWorkflowTaskPollers:       pollers,
		MaxConcurrentActivityTaskPollers:       pollers,
		MaxConcurrentWorkflowTaskExecutionSize: slots,
		MaxConcurrentActivityExecutionSize:     slots,
		MaxHeartbeatThrottleInterval:           heartbeatThrottle,
		DefaultHeartbeatThrottleInterval:       heartbeatThrottle,
		WorkerStopTimeout:                      cfg.DrainTimeout,
		DeadlockDetectionTimeout:               deadlockAfter,
		DisableRegistrationAliasing:            true,
	}
}

// workerOptions are the tuning, and where errors go.
func workerOptions(cfg config.Config, fatal chan<- error) worker.Options {
	set := Tuning(cfg)
	set.Interceptors = []interceptor.WorkerInterceptor{&errorMapper{}}
	set.OnFatalError = func(err error) {
		select {
		case fatal <- err:
		default:
		}
	}
	return set
}

// required are the settings that a role can't do without.
func required(role string) []string {
	if role == RoleRunner { // steps hand out the URLs that runs are called back by
		return []string{"DATABASE_URL", "CALLBACK_KEY"}
	}
	return []string{"DATABASE_URL"}
}

// queue is the task queue of a role.
func queue(role string) string {
	return map[string]string{
		RoleRunner:       activities.QueueRuns,
		RoleOrchestrator: activities.QueueUpkeep,
		RoleNotifier:     activities.QueueNotifications,
	}[role]
}

// listen is the address of a role.
func listen(cfg config.Config, role string) string {
	return map[string]string{
		RoleRunner:       cfg.RunnerListen,
		RoleOrchestrator: cfg.OrchestratorListen,
		RoleNotifier:     cfg.NotifierListen,
	}[role]
}
