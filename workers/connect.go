package workers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"runtime/debug"
	"time"

	"github.com/cenkalti/backoff/v5"
	"go.temporal.io/sdk/client"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/activities/httpcall"
	"github.com/fairlead/fairlead/activities/jobrun"
	"github.com/fairlead/fairlead/activities/notify"
	"github.com/fairlead/fairlead/activities/record"
	"github.com/fairlead/fairlead/activities/step"
	"github.com/fairlead/fairlead/activities/upkeep"
	"github.com/fairlead/fairlead/internal/blob"
	"github.com/fairlead/fairlead/internal/callback"
	"github.com/fairlead/fairlead/internal/config"
	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/joblog"
	"github.com/fairlead/fairlead/internal/store"
	"github.com/fairlead/fairlead/workflows"
)

const (
	// retryMax is the longest pause between two tries to reach Temporal or Postgres at the start.
	retryMax = 10 * time.Second
	// reportTime is what is kept of the drain's time for telling the server how an attempt ended.
	reportTime = 2 * time.Second
	// dialTimeout bounds one such try.
	dialTimeout = 10 * time.Second
	// holdTimeout bounds a look at S3 while a large value waits for it, holdPause is what lies between two.
	holdTimeout = 3 * time.Second
	holdPause   = 500 * time.Millisecond
)

// backend is everything a role is connected to.
type backend struct {
	store   *store.Store
	objects *blob.Store
	live    *joblog.Live
	client  client.Client
	http    *httpcall.Action
}

// open makes the parts that need nobody to answer yet.
func open(ctx context.Context, cfg config.Config, log *slog.Logger) (*backend, error) {
	allow, err := prefixes(cfg.HTTPAllow)
	if err != nil {
		return nil, err
	}
	// Settings that can't be used are an error now; a server that is away is waited for.
	if _, err := engine.Options(cfg, log, nil, nil); err != nil {
		return nil, err
	}
	objects, err := blob.New(ctx, blob.Options{
		Endpoint: cfg.S3Endpoint, Region: cfg.S3Region, Bucket: cfg.S3Bucket,
		AccessKey: cfg.S3AccessKey, SecretKey: cfg.S3SecretKey, PathStyle: cfg.S3Endpoint != "",
	})
	if err != nil {
		return nil, err
	}
	rows, err := store.Open(ctx, cfg.DatabaseURL)
	if err != nil {
		return nil, err
	}
	return &backend{
		store: rows, objects: objects, live: joblog.NewLive(cfg.RedisAddress, log),
		http: httpcall.New(httpcall.Options{Version: version(), Allow: allow}),
	}, nil
}

// reach waits until Postgres and Temporal answer.
func (b *backend) reach(ctx context.Context, cfg config.Config, log *slog.Logger, metrics client.MetricsHandler) error {
	_, err := insist(ctx, log, "Postgres", func(ctx context.Context) (struct{}, error) { return struct{}{}, b.store.Ping(ctx) })
	if err != nil {
		return err
	}
	b.client, err = insist(ctx, log, "Temporal", func(ctx context.Context) (client.Client, error) {
		return engine.Dial(ctx, cfg, log, metrics, b.objects)
	})
	return err
}

// close gives everything up.
func (b *backend) close() error {
	if b.client != nil {
		b.client.Close()
	}
	b.http.Close()
	b.objects.Close()
	err := b.live.Close()
	b.store.Close()
	return err
}

// parts makes the implementations of the activities.
func (b *backend) parts(ctx context.Context, cfg config.Config, log *slog.Logger) (Parts, error) {
	journal := joblog.New(b.objects, b.store, b.live, log)
	mailer, err := notify.NewSES(ctx, notify.SESOptions{
		Endpoint: cfg.SESEndpoint, Region: cfg.SESRegion, From: cfg.EmailFrom,
		AccessKey: cfg.SESAccessKey, SecretKey: cfg.SESSecretKey,
	})
	if err != nil {
		return Parts{}, err
	}
	begin := func(run activities.Run, name, item string, attempt int) step.Log {
		return stepLog{journal.Begin(joblog.Run{Team: run.Team, ID: run.ID, CreatedAt: run.CreatedAt}, name, item, attempt)}
	}
	return Parts{
		HTTP:   b.http,
		JobRun: jobrun.New(b.store, child),
		Drain:  max(cfg.DrainTimeout-reportTime, 0),
		Hold:   hold(b.objects.Answers),
		Begin:  begin,
		Callback: func(run activities.Run, name, item string) string {
			return callback.URL(cfg.PublicURL, []byte(cfg.CallbackKey), callback.Wait{Team: run.Team, Run: run.ID, Step: name, Item: item})
		},
		Recorder: record.New(b.store, b.objects, func(run activities.Run, name, item string, attempt int) record.Log {
			return begin(run, name, item, attempt)
		}),
		Notifier: notify.New(b.store, mailer, cfg.PublicURL, log),
		Sweeper: upkeep.New(upkeep.Parts{
			Runs: b.store, Workflows: b.client, WorkflowID: workflows.RunID, Logs: journal, Log: log,
			Start: b.start,
		}),
		Log: log,
	}, nil
}

// start starts a run that waits for it, and notes that: its first record may be long in coming.
func (b *backend) start(ctx context.Context, run store.Run) error {
	if err := engine.StartRun(ctx, b.client, b.store, run); err != nil {
		return err
	}
	return b.store.MarkStarted(ctx, run.ID)
}

// child is a kept run as its parent's workflow starts it.
func child(run store.Run, version store.Job, depth int, silent bool) (activities.Child, error) {
	in := engine.Input(run, version)
	in.Run.Depth, in.Silent = depth, silent
	start, err := json.Marshal(in)
	return activities.Child{Run: in.Run, Start: start}, err
}

// stepLog is a joblog's writer as a step's log.
type stepLog struct{ *joblog.Writer }

// Close keeps the log.
func (l stepLog) Close(ctx context.Context) (activities.Log, error) {
	ref, err := l.Writer.Close(ctx)
	return activities.Log{Key: ref.Key, Records: ref.Records, SHA256: ref.SHA256}, err
}

// hold returns a function that waits until ping succeeds or its ctx ends.
func hold(ping func(context.Context) error) func(context.Context) error {
	try := func(ctx context.Context) (struct{}, error) {
		ctx, cancel := context.WithTimeout(ctx, holdTimeout)
		defer cancel()
		return struct{}{}, ping(ctx)
	}
	return func(ctx context.Context) error {
		_, err := backoff.Retry(ctx, func() (struct{}, error) { return try(ctx) },
			backoff.WithBackOff(backoff.NewConstantBackOff(holdPause)), backoff.WithMaxElapsedTime(0))
		return err
	}
}

// insist tries until it succeeds or ctx ends, with growing pauses.
func insist[T any](ctx context.Context, log *slog.Logger, what string, try func(context.Context) (T, error)) (T, error) {
	pauses := backoff.NewExponentialBackOff()
	pauses.MaxInterval = retryMax
	return backoff.Retry(ctx, func() (T, error) {
		ctx, cancel := context.WithTimeout(ctx, dialTimeout)
		defer cancel()
		return try(ctx)
	}, backoff.WithBackOff(pauses), backoff.WithMaxElapsedTime(0), backoff.WithNotify(func(err error, pause time.Duration) {
		log.Warn("not reached yet: trying again", "part", what, "pause", pause.Round(time.Millisecond), "error", err)
	}))
}

// prefixes reads the address ranges that the http action may call.
func prefixes(texts []string) ([]netip.Prefix, error) {
	var (
		parsed   []netip.Prefix
		problems []error
	)
	for _, text := range texts {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			problems = append(problems, fmt.Errorf("FAIRLEAD_HTTP_ALLOW: %w", err))
			continue
		}
		parsed = append(parsed, prefix)
	}
	return parsed, errors.Join(problems...)
}

// version is this build's, "dev" for one that isn't of a module's version.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "dev"
}
