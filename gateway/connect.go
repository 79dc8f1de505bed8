package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	"go.temporal.io/sdk/client"

	"github.com/fairlead/fairlead/gateway/auth"
	"github.com/fairlead/fairlead/internal/blob"
	"github.com/fairlead/fairlead/internal/config"
	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/joblog"
	"github.com/fairlead/fairlead/internal/report"
	"github.com/fairlead/fairlead/internal/store"
)

// redisTimeout bounds the look at Redis.
const redisTimeout = time.Second

// closers close what was opened, the last first.
type closers []func() error

func (c closers) close() error {
	var err error
	for _, closeOne := range slices.Backward(c) {
		err = errors.Join(err, closeOne())
	}
	return err
}

// connect makes the gateway's parts; none of them waits for its server.
func connect(ctx context.Context, cfg config.Config, log *slog.Logger) (deps Deps, closeAll func() error, err error) {
	var opened closers
	defer func() {
		if err != nil {
			err = errors.Join(err, opened.close())
		}
	}()
	objects, err := openObjects(ctx, cfg)
	if err != nil {
		return Deps{}, nil, err
	}
	opened = append(opened, func() error { objects.Close(); return nil })
	db, err := store.Open(ctx, cfg.DatabaseURL)
	if err != nil {
		return Deps{}, nil, err
	}
	opened = append(opened, func() error { db.Close(); return nil })
	temporal, err := lazyTemporal(cfg, log, objects)
	if err != nil {
		return Deps{}, nil, err
	}
	opened = append(opened, func() error { temporal.Close(); return nil })
	launcher := newLauncher(starter{temporal, db}, pingTemporal(temporal), log)
	opened = append(opened, launcher.close)
	live := joblog.NewLive(cfg.RedisAddress, log)
	pingRedis, closeRedis := redisPing(cfg.RedisAddress)
	opened = append(opened, live.Close, closeRedis)
	return Deps{
		Jobs: db, Runs: db, Variables: db, Objects: objects, Log: log,
		Starter:        launcher,
		Workflows:      engine.Runs{Client: temporal, Jobs: db},
		CallbackKey:    []byte(cfg.CallbackKey),
		Logs:           report.New(db, joblog.New(objects, db, live, log)),
		Auth:           auth.NewVerifier(cfg.OIDCIssuer, cfg.OIDCAudience),
		TrustedProxies: cfg.TrustedProxies,
		Extra:          map[string]http.Handler{},
		Parts:          parts(db.Ping, pingTemporal(temporal), objects.Ping, pingRedis),
	}, opened.close, nil
}

// parts are what /ready looks at.
func parts(postgres, temporal, s3, redis func(context.Context) error) []Part {
	return []Part{
		{Name: "postgres", Ping: postgres, Required: true, Absence: "no answer: nothing can be kept or read"},
		{Name: "temporal", Ping: temporal, Required: true, Absence: "no answer: runs are kept and start later"},
		{Name: "s3", Ping: s3, Absence: "no answer: logs and large outputs can't be read"},
		{Name: "redis", Ping: redis, Absence: "no live logs: they appear when a step has ended"},
	}
}

func openObjects(ctx context.Context, cfg config.Config) (*blob.Store, error) {
	return blob.New(ctx, blob.Options{
		Endpoint: cfg.S3Endpoint, Region: cfg.S3Region, Bucket: cfg.S3Bucket,
		AccessKey: cfg.S3AccessKey, SecretKey: cfg.S3SecretKey, PathStyle: cfg.S3Endpoint != "",
	})
}

// lazyTemporal is a client that connects when it is first used.
func lazyTemporal(cfg config.Config, log *slog.Logger, objects engine.Objects) (client.Client, error) {
	options, err := engine.Options(cfg, log, nil, objects)
	if err != nil {
		return nil, err
	}
	temporal, err := client.NewLazyClient(options)
	if err != nil {
		return nil, fmt.Errorf("make the Temporal client: %w", err)
	}
	return temporal, nil
}

// starter starts workflows.
type starter struct {
	client client.Client
	jobs   engine.Jobs
}

// Start starts the run's workflow.
func (s starter) Start(ctx context.Context, run store.Run) error {
	return engine.StartRun(ctx, s.client, s.jobs, run)
}

func pingTemporal(c client.Client) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := c.CheckHealth(ctx, &client.CheckHealthRequest{})
		return err
	}
}

// redisPing returns nil for no address.
func redisPing(address string) (ping func(context.Context) error, closeClient func() error) {
	if address == "" {
		return nil, func() error { return nil }
	}
	c := redis.NewClient(&redis.Options{
		Addr: address, ClientName: "fairlead-ready", Protocol: 2, PoolSize: 1, MaxRetries: -1, DialerRetries: 1,
		DialTimeout: redisTimeout, ReadTimeout: redisTimeout, WriteTimeout: redisTimeout, ContextTimeoutEnabled: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	return func(ctx context.Context) error { return c.Ping(ctx).Err() }, c.Close
}
