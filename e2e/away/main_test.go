// Package away takes the parts away from the whole stack, one at a time and under load: it
// stops them, or has them take bytes and never answer; then it brings them back.
package away_test

import (
	"context"
	"flag"
	"fmt"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/e2e/harness"
	"github.com/fairlead/fairlead/internal/config"
	"github.com/fairlead/fairlead/internal/devstack"
)

// absence is how long a part is away.
var absence = flag.Duration("away", 4*time.Second, "how long each part is away")

// world is the one stack of the tests: they take parts from it one after the other.
var world *devstack.Stack

// proxies stand before the parts, by the parts' names.
var proxies = map[string]*proxy{}

func TestMain(m *testing.M) {
	flag.Parse()
	code := harness.Run(harness.Options{Prepare: prepare, Settings: throughProxies, Stopped: closeProxies}, m.Run)
	os.Exit(code)
}

// prepare puts a proxy before each part that services call.
func prepare(_ context.Context, stack *devstack.Stack) error {
	world = stack
	cfg := stack.Config()
	database, err := url.Parse(cfg.DatabaseURL)
	if err != nil {
		return err
	}
	objects, err := url.Parse(cfg.S3Endpoint)
	if err != nil {
		return err
	}
	for part, upstream := range map[string]string{
		"Postgres": database.Host, "Temporal": cfg.Temporal["TEMPORAL_ADDRESS"], "S3": objects.Host, "Redis": cfg.RedisAddress,
	} {
		if proxies[part], err = newProxy(upstream); err != nil {
			return fmt.Errorf("proxy of %s: %w", part, err)
		}
	}
	return nil
}

// throughProxies has the services reach the parts through the proxies.
func throughProxies(cfg config.Config) config.Config {
	database, err := url.Parse(cfg.DatabaseURL)
	if err != nil {
		return cfg
	}
	database.Host = proxies["Postgres"].address
	cfg.DatabaseURL = database.String()
	cfg.Temporal = map[string]string{
		"TEMPORAL_ADDRESS": proxies["Temporal"].address, "TEMPORAL_NAMESPACE": cfg.Temporal["TEMPORAL_NAMESPACE"],
	}
	cfg.S3Endpoint = "http://" + proxies["S3"].address
	cfg.RedisAddress = proxies["Redis"].address
	return cfg
}

func closeProxies() {
	for _, p := range proxies {
		p.close()
	}
}

// stop stops a part and returns what starts it again.
func stop(t *testing.T, part string) (start func()) {
	t.Helper()
	proxies[part].refuse()
	require.NoError(t, world.Part(part).Stop(t.Context()))
	start = func() {
		require.NoError(t, world.Part(part).Start(context.WithoutCancel(t.Context())))
		require.NoError(t, proxies[part].accept())
	}
	t.Cleanup(start) // a test that fails leaves the stack whole
	return start
}

// silence has a part take everything and answer nothing, until the returned function is called.
func silence(t *testing.T, part string) (speak func()) {
	t.Helper()
	proxies[part].freeze()
	t.Cleanup(proxies[part].thaw)
	return proxies[part].thaw
}
