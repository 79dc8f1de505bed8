// Package config reads Fairlead's settings from FAIRLEAD_* environment variables, once.
package config

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
)

// Config is everything a Fairlead process can be told from outside. A field's
// zero value means "not set"; required ones are checked by the process that
// needs them (see [Config.Require]).
type Config struct {
	// DatabaseURL is the Postgres connection string of Fairlead's own database.
	DatabaseURL string `env:"DATABASE_URL" secret:"true"`
	// Temporal holds Temporal's own variables (TEMPORAL_ADDRESS, _NAMESPACE,
	// _API_KEY, _TLS…, without a prefix of ours), which its envconfig reads; see
	// https://docs.temporal.io/references/client-environment-configuration.
	Temporal map[string]string

	// S3Endpoint is the URL of an S3-compatible server; empty means AWS.
	S3Endpoint string `env:"S3_ENDPOINT"`
	// S3Region is the bucket's region.
	S3Region string `env:"S3_REGION" envDefault:"us-east-1"`
	// S3Bucket holds logs and large values.
	S3Bucket string `env:"S3_BUCKET" envDefault:"fairlead"`
	// S3AccessKey and S3SecretKey are static credentials, both or neither; empty means the default AWS chain.
	S3AccessKey string `env:"S3_ACCESS_KEY"`
	S3SecretKey string `env:"S3_SECRET_KEY" secret:"true"`

	// RedisAddress is host:port of Redis; empty means no live log stream.
	RedisAddress string `env:"REDIS_ADDRESS"`

	// SESEndpoint is the URL of an SES v2 server; empty means AWS.
	SESEndpoint string `env:"SES_ENDPOINT"`
	// SESRegion is the region that mail is sent from.
	SESRegion string `env:"SES_REGION" envDefault:"us-east-1"`
	// SESAccessKey and SESSecretKey are static credentials, both or neither; empty means the default AWS chain.
	SESAccessKey string `env:"SES_ACCESS_KEY"`
	SESSecretKey string `env:"SES_SECRET_KEY" secret:"true"`
	// EmailFrom is the sender of every notification by e-mail.
	EmailFrom string `env:"EMAIL_FROM" envDefault:"fairlead@localhost.localdomain"`

	// OIDCIssuer is the issuer whose tokens the gateway accepts.
	OIDCIssuer string `env:"OIDC_ISSUER"`
	// OIDCAudience is the audience a token must name.
	OIDCAudience string `env:"OIDC_AUDIENCE" envDefault:"fairlead"`

	// GatewayListen, RunnerListen, OrchestratorListen, NotifierListen and
	// MetricsListen are host:port each part serves on; an empty MetricsListen serves no metrics.
	GatewayListen      string `env:"GATEWAY_LISTEN" envDefault:"127.0.0.1:4000"`
	RunnerListen       string `env:"RUNNER_LISTEN" envDefault:"127.0.0.1:4001"`
	OrchestratorListen string `env:"ORCHESTRATOR_LISTEN" envDefault:"127.0.0.1:4002"`
	NotifierListen     string `env:"NOTIFIER_LISTEN" envDefault:"127.0.0.1:4003"`
	MetricsListen      string `env:"METRICS_LISTEN"`
	// PublicURL is where people reach the gateway: the base of links in notifications.
	PublicURL string `env:"PUBLIC_URL" envDefault:"http://127.0.0.1:4000"`
	// CallbackKey signs the URLs by which runs are called back: at least
	// [MinCallbackKey] characters, such as 32 random bytes in base64. URLs that
	// another key signed are refused. Gateway and runner need the same one.
	CallbackKey string `env:"CALLBACK_KEY" secret:"true"`
	// TrustedProxies are the CIDR ranges whose X-Forwarded-For is believed; empty trusts none.
	TrustedProxies []string `env:"TRUSTED_PROXIES"`

	// HTTPAllow are the CIDR ranges of loopback and private addresses that the
	// http action may call; empty allows public addresses only.
	HTTPAllow []string `env:"HTTP_ALLOW"`
	// DrainTimeout is how long a worker told to stop may finish what it has begun.
	DrainTimeout time.Duration `env:"DRAIN_TIMEOUT" envDefault:"100s"`
	// LogLevel is debug, info, warn or error.
	LogLevel string `env:"LOG_LEVEL" envDefault:"info"`
	// OTLPEndpoint is host:port of an OpenTelemetry collector (gRPC); empty sends no traces.
	OTLPEndpoint string `env:"OTLP_ENDPOINT"`
}

// MinCallbackKey is the least length of a [Config.CallbackKey].
const MinCallbackKey = 32

// The variables' names begin with one of these: ours, and Temporal's own.
const (
	prefix         = "FAIRLEAD_"
	temporalPrefix = "TEMPORAL_"
)

// Load reads the settings from environ (as os.Environ gives it; an empty value means unset)
// and returns them, or every problem found, joined.
func Load(environ []string) (Config, error) {
	var cfg Config
	vars := make(map[string]string, len(environ))
	for _, pair := range environ {
		if name, value, ok := strings.Cut(pair, "="); ok && value != "" {
			vars[name] = value
		}
	}
	err := env.ParseWithOptions(&cfg, env.Options{Prefix: prefix, Environment: vars})
	cfg.Temporal = map[string]string{"TEMPORAL_ADDRESS": "127.0.0.1:7233", "TEMPORAL_NAMESPACE": "default"}
	for name, value := range vars {
		if strings.HasPrefix(name, temporalPrefix) {
			cfg.Temporal[name] = value
		}
	}
	return cfg, errors.Join(err, cfg.check())
}

func (c Config) check() error {
	var problems []error
	for name, value := range map[string]string{
		"S3_ENDPOINT": c.S3Endpoint, "SES_ENDPOINT": c.SESEndpoint, "OIDC_ISSUER": c.OIDCIssuer, "PUBLIC_URL": c.PublicURL,
	} {
		if u, err := url.Parse(value); value != "" && (err != nil || u.Host == "") {
			problems = append(problems, fmt.Errorf("%s%s: %q is not a URL such as https://host:port", prefix, name, value))
		}
	}
	for name, ranges := range map[string][]string{"HTTP_ALLOW": c.HTTPAllow, "TRUSTED_PROXIES": c.TrustedProxies} {
		for _, cidr := range ranges {
			if _, err := netip.ParsePrefix(cidr); err != nil {
				problems = append(problems, fmt.Errorf("%s%s: %q is not an address range such as 10.0.0.0/8", prefix, name, cidr))
			}
		}
	}
	for name, half := range map[string]bool{
		"S3": (c.S3AccessKey == "") != (c.S3SecretKey == ""), "SES": (c.SESAccessKey == "") != (c.SESSecretKey == ""),
	} {
		if half {
			problems = append(problems, fmt.Errorf("%[1]s%[2]s_ACCESS_KEY and %[1]s%[2]s_SECRET_KEY: one is set without the other", prefix, name))
		}
	}
	if n := len(c.CallbackKey); n > 0 && n < MinCallbackKey {
		problems = append(problems, fmt.Errorf("%sCALLBACK_KEY: %d characters are too few for a key: take %d or more, as `openssl rand -base64 32` gives", prefix, n, MinCallbackKey))
	}
	switch c.LogLevel {
	case "debug", "info", "warn", "error":
	default:
		problems = append(problems, fmt.Errorf("%sLOG_LEVEL: %q is none of debug, info, warn, error", prefix, c.LogLevel))
	}
	slices.SortFunc(problems, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(problems...)
}

// Require returns one error for each of the named variables (without FAIRLEAD_) that has no value, joined.
func (c Config) Require(names ...string) error {
	var problems []error
	values := c.values()
	for _, name := range names {
		if values[name] == "" {
			problems = append(problems, fmt.Errorf("%s%s is not set", prefix, name))
		}
	}
	return errors.Join(problems...)
}

// Setting is one effective value as `fairlead config` prints it.
type Setting struct{ Name, Value string }

// Settings lists every variable and its effective value, ours in order of
// declaration, then Temporal's by name; secrets are masked.
func (c Config) Settings() []Setting {
	var settings []Setting
	c.each(func(name, value string, secret bool) {
		settings = append(settings, setting(prefix+name, value, secret))
	})
	for _, name := range slices.Sorted(maps.Keys(c.Temporal)) {
		open := name == "TEMPORAL_ADDRESS" || name == "TEMPORAL_NAMESPACE"
		settings = append(settings, setting(name, c.Temporal[name], !open))
	}
	return settings
}

func setting(name, value string, secret bool) Setting {
	if secret && value != "" {
		value = "(set)"
	}
	return Setting{Name: name, Value: value}
}

func (c Config) values() map[string]string {
	values := map[string]string{}
	c.each(func(name, value string, _ bool) { values[name] = value })
	return values
}

// each calls see for every variable of ours, its name without the prefix.
func (c Config) each(see func(name, value string, secret bool)) {
	t, v := reflect.TypeFor[Config](), reflect.ValueOf(c)
	for i := range t.NumField() {
		if name := t.Field(i).Tag.Get("env"); name != "" {
			see(name, format(v.Field(i)), t.Field(i).Tag.Get("secret") == "true")
		}
	}
}

func format(v reflect.Value) string {
	if list, ok := reflect.TypeAssert[[]string](v); ok {
		return strings.Join(list, ",")
	}
	return fmt.Sprint(v.Interface())
}
