// Package engine connects to Temporal: the client options that the gateway and
// every worker share, and the one way to start a run's workflow.
package engine

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	tlog "go.temporal.io/sdk/log"

	"github.com/fairlead/fairlead/internal/config"
)

// Dial connects to the Temporal that cfg names and returns when it has
// answered once. Payloads over 16 KiB are kept in objects. metrics may be nil.
func Dial(ctx context.Context, cfg config.Config, log *slog.Logger, metrics client.MetricsHandler, objects Objects) (client.Client, error) {
	options, err := Options(cfg, log, metrics, objects)
	if err != nil {
		return nil, err
	}
	c, err := client.DialContext(ctx, options)
	if err != nil {
		return nil, fmt.Errorf("connect to Temporal at %s: %w", options.HostPort, err)
	}
	return c, nil
}

// Options are the client options that [Dial] uses. An error names the variable at fault.
func Options(cfg config.Config, log *slog.Logger, metrics client.MetricsHandler, objects Objects) (client.Options, error) {
	options, err := envconfig.LoadClientOptions(envconfig.LoadClientOptionsRequest{
		DisableFile: true,
		EnvLookup:   lookup(cfg.Temporal),
	})
	if err != nil {
		return client.Options{}, fmt.Errorf("TEMPORAL_* variables: %w", err)
	}
	options.Logger = tlog.NewStructuredLogger(log)
	options.MetricsHandler = metrics
	options.ExternalStorage = externalStorage(objects)
	return options, nil
}

// lookup gives envconfig the variables that were read once, at the start.
type lookup map[string]string

// Environ returns the variables as NAME=value.
func (l lookup) Environ() []string {
	pairs := make([]string, 0, len(l))
	for _, name := range slices.Sorted(maps.Keys(l)) {
		pairs = append(pairs, name+"="+l[name])
	}
	return pairs
}

// LookupEnv returns one variable.
func (l lookup) LookupEnv(name string) (string, bool) {
	value, ok := l[name]
	return value, ok
}
