package devstack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fairlead/fairlead/internal/config"
)

const (
	database     = "fairlead"
	callbackFile = "callback-key"
)

// Part is one server of the stack. Start on a running part and Stop on a stopped one do
// nothing; a part that is started again keeps its address and, but for Redis, its data.
type Part interface {
	// Name is Postgres, Temporal, S3, Redis, Outbox, Issuer or Web UI.
	Name() string
	Start(ctx context.Context) error
	Stop(ctx context.Context) error
}

// Options say where a stack lives. The zero value of each field has a meaning.
type Options struct {
	// Dir is the folder that everything is kept in; "" means .fairlead.
	Dir string
	// Ports are the ports to use; a zero one means that of [DefaultPorts].
	Ports Ports
	// DatabaseURL is a Postgres server to use in place of a private one: Fairlead's own
	// database, which must exist; Temporal's are made beside it. "" means a private one.
	DatabaseURL string
	// TokenTTL is how long the admin's token is good for; [Run] makes a new one when a third
	// of that has passed. 0 means 24 hours.
	TokenTTL time.Duration
	// Base are the settings that the stack's own addresses are laid over, such as the log
	// level; nil means the defaults.
	Base *config.Config
	// Log takes what goes wrong; nil discards it.
	Log *slog.Logger
	// Out takes a line for people as each part is ready; nil discards it.
	Out io.Writer
	// Prepare is called by [Run] between the stack's start and the services': migrations. Nil does nothing.
	Prepare func(ctx context.Context, stack *Stack) error
	// Ready is called by [Run] when every service is healthy; an error ends the run with it. Nil does nothing.
	Ready func(ctx context.Context, stack *Stack) error
}

func (o Options) withDefaults() (Options, error) {
	if o.Dir == "" {
		o.Dir = ".fairlead"
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Out == nil {
		o.Out = io.Discard
	}
	if o.Base == nil {
		base, err := config.Load(nil)
		if err != nil {
			return o, err
		}
		o.Base = &base
	}
	if o.TokenTTL == 0 {
		o.TokenTTL = tokenTTL
	}
	o.Ports = o.Ports.withDefaults()
	var err error
	o.Dir, err = makeFolder(o.Dir)
	return o, err
}

// Stack is a running stack.
type Stack struct {
	options  Options
	release  func() error // gives the folder's lock back
	outbox   *outbox
	postgres *Postgres // nil when a DatabaseURL was given
	s3       *S3
	callback string // signs callbacks
	parts    []Part // in order of start; stopped in reverse
	failed   chan error

	printing sync.Mutex
}

// Start starts every part and returns when all take calls. When it fails, or ctx ends,
// whatever had started is stopped. Errors: [ErrRunning], [*PortTakenError],
// [*DatabaseRefusedError], or what went wrong and what to do in words.
func Start(ctx context.Context, options Options) (*Stack, error) {
	return start(ctx, options, nil)
}

// start also refuses to begin when one of the ports that services will need is taken.
func start(ctx context.Context, options Options, needed map[string]int) (*Stack, error) {
	options, err := options.withDefaults()
	if err != nil {
		return nil, err
	}
	release, err := lock(options.Dir)
	if err != nil {
		return nil, err
	}
	s := &Stack{options: options, release: release, failed: make(chan error, 1)}
	all := options.Ports.ofParts()
	maps.Copy(all, needed)
	err = removePorts(options.Dir)
	if err == nil {
		err = checkPorts(all)
	}
	if err == nil {
		err = s.writePorts() // before anything serves: who waits for this stack looks there
	}
	if err == nil {
		err = s.build()
	}
	if err == nil {
		err = s.startAll(ctx)
	}
	if err == nil {
		err = errors.Join(writeFile(filepath.Join(options.Dir, issuerFile), []byte(s.issuerURL()+"\n")), s.writeToken())
	}
	if err != nil {
		return nil, errors.Join(err, removePorts(options.Dir), s.Stop(ctx))
	}
	return s, nil
}

// build makes the parts, none of them started.
func (s *Stack) build() error {
	dir, ports, log := s.options.Dir, s.options.Ports, s.options.Log
	if s.options.DatabaseURL == "" {
		postgres, err := newPostgres(dir, ports.Postgres, log)
		if err != nil {
			return err
		}
		postgres.failed, postgres.say = s.fail, func(what string) { s.printf("%-9s %s\n", "Postgres", what) }
		s.postgres, s.parts = postgres, append(s.parts, postgres)
	}
	temporal, err := newTemporal(temporalOptions{Dir: dir, DatabaseURL: s.databaseURL(), Port: ports.Temporal, HTTPPort: ports.TemporalHTTP})
	if err != nil {
		return err
	}
	temporal.failed = s.fail
	if s.s3, err = newS3(dir, ports.S3, log); err != nil {
		return err
	}
	key, err := issuerKey(dir)
	if err != nil {
		return err
	}
	if s.callback, err = secret(dir, callbackFile); err != nil {
		return err
	}
	s.outbox = newOutbox(dir)
	s.parts = append(
		s.parts,
		temporal,
		s.s3,
		&Redis{port: ports.Redis},
		outboxPart{&httpPart{name: "Outbox", port: ports.Outbox, handler: s.outbox.handler()}, s.outbox},
		&httpPart{name: "Issuer", port: ports.Issuer, handler: issuerHandler(s.issuerURL(), key)},
		&temporalUI{port: ports.TemporalUI, temporal: address(ports.Temporal)},
	)
	return nil
}

// startAll starts Postgres, then Temporal on it, and everything else meanwhile.
func (s *Stack) startAll(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		if s.postgres == nil {
			if err := checkExternal(ctx, s.options.DatabaseURL); err != nil {
				return err
			}
		} else {
			if err := s.bring(ctx, s.postgres); err != nil {
				return err
			}
			if err := s.postgres.CreateDatabase(ctx, database); err != nil {
				return err
			}
		}
		return s.bring(ctx, s.part("Temporal"))
	})
	for _, part := range s.parts {
		if part.Name() != "Postgres" && part.Name() != "Temporal" {
			group.Go(func() error { return s.bring(ctx, part) })
		}
	}
	return group.Wait()
}

func (s *Stack) bring(ctx context.Context, part Part) error {
	began := time.Now()
	if err := part.Start(ctx); err != nil {
		return err
	}
	s.printf("%-9s %-28s ready in %.1f s\n", part.Name(), s.where(part), time.Since(began).Seconds())
	return nil
}

// printf writes a line for people; parts start side by side.
func (s *Stack) printf(format string, args ...any) {
	s.printing.Lock()
	defer s.printing.Unlock()
	_, _ = fmt.Fprintf(s.options.Out, format, args...)
}

// where is the address of a part, for people.
func (s *Stack) where(part Part) string {
	ports := s.options.Ports
	switch part.Name() {
	case "Postgres":
		return address(ports.Postgres)
	case "Temporal":
		return address(ports.Temporal)
	case "Redis":
		return address(ports.Redis)
	case "S3":
		return s.s3.Endpoint()
	}
	if served, ok := part.(interface{ url() string }); ok {
		return served.url()
	}
	return ""
}

// Stop stops every part in reverse order and gives the folder back. All are tried; the
// errors are joined.
func (s *Stack) Stop(ctx context.Context) error {
	var problems []error
	for _, part := range slices.Backward(s.parts) {
		if err := part.Stop(ctx); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", part.Name(), err))
		}
	}
	if s.release != nil {
		problems = append(problems, s.release())
		s.release = nil
	}
	return errors.Join(problems...)
}

// Part returns a part by its name (see [Part.Name]), to stop and start it in a test of what
// happens meanwhile; nil when there is none of that name.
func (s *Stack) Part(name string) Part { return s.part(name) }

func (s *Stack) part(name string) Part {
	for _, part := range s.parts {
		if part.Name() == name {
			return part
		}
	}
	return nil
}

// Failed yields an error when a part ends by itself: the stack is of no use then.
func (s *Stack) Failed() <-chan error { return s.failed }

func (s *Stack) fail(err error) {
	select {
	case s.failed <- err:
	default:
	}
}

// Config is what a Fairlead process needs to know to use the stack.
func (s *Stack) Config() config.Config {
	cfg, ports := *s.options.Base, s.options.Ports
	cfg.DatabaseURL = s.databaseURL()
	cfg.Temporal = map[string]string{"TEMPORAL_ADDRESS": address(ports.Temporal), "TEMPORAL_NAMESPACE": TemporalNamespace}
	cfg.S3Endpoint, cfg.S3Region, cfg.S3Bucket = s.s3.Endpoint(), s.s3.Region(), s.s3.Bucket()
	cfg.S3AccessKey, cfg.S3SecretKey = s.s3.Keys()
	cfg.SESAccessKey, cfg.SESSecretKey = "outbox", "outbox" // it takes any: signed mail needs no AWS account then
	cfg.RedisAddress = address(ports.Redis)
	cfg.SESEndpoint = "http://" + address(ports.Outbox)
	cfg.OIDCIssuer, cfg.OIDCAudience = s.issuerURL(), tokenAudience
	cfg.GatewayListen, cfg.RunnerListen = address(ports.Gateway), address(ports.Runner)
	cfg.OrchestratorListen, cfg.NotifierListen = address(ports.Orchestrator), address(ports.Notifier)
	cfg.MetricsListen = address(ports.Metrics)
	cfg.PublicURL = "http://" + address(ports.Gateway)
	cfg.CallbackKey = cmp.Or(cfg.CallbackKey, s.callback)
	cfg.HTTPAllow = append(slices.Clone(cfg.HTTPAllow), "127.0.0.0/8", "::1/128")
	return cfg
}

// TemporalHTTP is the URL of Temporal's HTTP API.
func (s *Stack) TemporalHTTP() string { return "http://" + address(s.options.Ports.TemporalHTTP) }

// TemporalUI is the URL of Temporal's Web UI.
func (s *Stack) TemporalUI() string { return "http://" + address(s.options.Ports.TemporalUI) }

// Ports are where everything listens.
func (s *Stack) Ports() Ports { return s.options.Ports }

// Dir is the absolute path of the stack's folder.
func (s *Stack) Dir() string { return s.options.Dir }

// Outbox shows what was sent, newest first: {"items": [...]} in JSON, or a page to a browser.
func (s *Stack) Outbox() http.Handler { return s.outbox.view() }

// Token signs a token that the stack's gateway accepts.
func (s *Stack) Token(claims Claims) (string, error) {
	return SignToken(s.options.Dir, s.issuerURL(), claims)
}

func (s *Stack) issuerURL() string { return "http://" + address(s.options.Ports.Issuer) }

func (s *Stack) databaseURL() string {
	if s.postgres == nil {
		return s.options.DatabaseURL
	}
	return s.postgres.URL(database)
}
