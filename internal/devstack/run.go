package devstack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/fairlead/fairlead/internal/config"
)

const serviceStartTimeout = time.Minute

// Service is one of our own processes, run beside the stack in this one.
type Service struct {
	// Name is the service's, in logs and errors.
	Name string
	// Run serves until ctx ends, drains, and returns nil.
	Run func(ctx context.Context, cfg config.Config, log *slog.Logger) error
	// Health gives the URL that answers 200 once the service is up; nil means it is up at once.
	Health func(cfg config.Config) string
}

// Run starts a stack and the services on it, calls Options.Ready when all are healthy, and
// serves until ctx ends or something fails. Then the services are stopped first, and the
// stack after them. It returns nil when ctx ended it and everything stopped as it should.
func Run(ctx context.Context, options Options, services ...Service) error {
	defer useMemory()()
	stack, err := start(ctx, options, options.Ports.withDefaults().ofServices(services))
	if err != nil {
		if ctx.Err() != nil && errors.Is(err, context.Canceled) {
			return nil // told to stop while starting, and what had started is stopped
		}
		return err
	}
	err = stack.serve(ctx, services)
	return errors.Join(err, stack.Stop(ctx))
}

// ofServices are the ports that the services of a full Fairlead will open, by who needs them.
func (p Ports) ofServices(services []Service) map[string]int {
	if len(services) == 0 {
		return nil
	}
	return map[string]int{
		"the gateway": p.Gateway, "the runner": p.Runner, "the orchestrator": p.Orchestrator,
		"the notifier": p.Notifier, "the metrics page": p.Metrics,
	}
}

// ofParts are the ports that the stack's own parts will open, but for Postgres's: a server
// that a killed process left behind may still have that, and is stopped first.
func (p Ports) ofParts() map[string]int {
	return map[string]int{
		"the S3 server": p.S3, "Outbox": p.Outbox, "Issuer": p.Issuer, "Redis": p.Redis,
		"Temporal": p.Temporal, "Temporal's HTTP API": p.TemporalHTTP, "Temporal's Web UI": p.TemporalUI,
	}
}

// serve runs the services until the first of: ctx ends, a service or a part ends, a hook fails.
func (s *Stack) serve(ctx context.Context, services []Service) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if s.options.Prepare != nil {
		if err := s.options.Prepare(ctx, s); err != nil {
			return ignoreStop(ctx, err)
		}
	}
	var running sync.WaitGroup
	ended := make(chan error, len(services)+2)
	end := func(err error) { // nil, or because of a stop, is no failure
		if err = ignoreStop(ctx, err); err != nil {
			ended <- err
			cancel()
		}
	}
	cfg := s.Config()
	for _, service := range services {
		running.Go(func() { end(s.runService(ctx, cfg, service)) })
	}
	running.Go(func() {
		select {
		case err := <-s.failed:
			end(err)
		case <-ctx.Done():
		}
	})
	running.Go(func() { s.renewToken(ctx) })
	end(s.ready(ctx, cfg, services))
	<-ctx.Done()
	_, _ = fmt.Fprintf(s.options.Out, "\nStopping: what is under way has up to %s.\n", cfg.DrainTimeout)
	running.Wait()
	close(ended)
	var problems []error
	for err := range ended {
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

func (s *Stack) runService(ctx context.Context, cfg config.Config, service Service) error {
	err := service.Run(ctx, cfg, s.options.Log.With("service", service.Name))
	if err == nil && ctx.Err() == nil {
		err = errors.New("it ended by itself")
	}
	if err != nil {
		return fmt.Errorf("%s: %w", service.Name, err)
	}
	return nil
}

// ready waits for the services' health, then calls the hook.
func (s *Stack) ready(ctx context.Context, cfg config.Config, services []Service) error {
	for _, service := range services {
		if service.Health == nil {
			continue
		}
		url := service.Health(cfg)
		limited, cancel := context.WithTimeout(ctx, serviceStartTimeout)
		err := retry(limited, service.Name+" is not healthy", func() error { return healthy(limited, url) })
		cancel()
		if err != nil {
			return err
		}
	}
	if s.options.Ready == nil {
		return nil
	}
	return s.options.Ready(ctx, s)
}

// ignoreStop drops the error of something that stopped because it was told to.
func ignoreStop(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
