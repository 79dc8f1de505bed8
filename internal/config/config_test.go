package config_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/config"
)

func TestLoadDefaults(t *testing.T) {
	t.Parallel()
	cfg, err := config.Load(nil)
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:4000", cfg.GatewayListen)
	require.Equal(t, "fairlead", cfg.OIDCAudience)
	require.Equal(t, "127.0.0.1:7233", cfg.Temporal["TEMPORAL_ADDRESS"])
	require.Empty(t, cfg.HTTPAllow, "private addresses are closed unless they are opened")
}

func TestLoadReadsBothPrefixes(t *testing.T) {
	t.Parallel()
	cfg, err := config.Load([]string{
		"FAIRLEAD_DATABASE_URL=postgres://db/fairlead", "FAIRLEAD_HTTP_ALLOW=127.0.0.0/8,10.0.0.0/8",
		"TEMPORAL_ADDRESS=temporal:7233", "TEMPORAL_API_KEY=k", "PATH=/bin", "FAIRLEAD_LOG_LEVEL=",
	})
	require.NoError(t, err)
	require.Equal(t, "postgres://db/fairlead", cfg.DatabaseURL)
	require.Equal(t, []string{"127.0.0.0/8", "10.0.0.0/8"}, cfg.HTTPAllow)
	require.Equal(t, "temporal:7233", cfg.Temporal["TEMPORAL_ADDRESS"])
	require.Equal(t, "info", cfg.LogLevel, "an empty value means unset")
}

func TestLoadReportsEveryProblemAtOnce(t *testing.T) {
	t.Parallel()
	_, err := config.Load([]string{
		"FAIRLEAD_S3_ENDPOINT=not a url", "FAIRLEAD_HTTP_ALLOW=localhost", "FAIRLEAD_TRUSTED_PROXIES=10.0.0.0/99",
		"FAIRLEAD_LOG_LEVEL=loud", "FAIRLEAD_DRAIN_TIMEOUT=soon", "FAIRLEAD_S3_ACCESS_KEY=fairlead",
		"FAIRLEAD_CALLBACK_KEY=hunter2",
	})
	require.Error(t, err)
	for _, part := range []string{
		"FAIRLEAD_CALLBACK_KEY: 7 characters are too few", "FAIRLEAD_S3_ENDPOINT", "FAIRLEAD_S3_SECRET_KEY: one is set without the other", `FAIRLEAD_HTTP_ALLOW: "localhost"`, `FAIRLEAD_TRUSTED_PROXIES: "10.0.0.0/99"`, "FAIRLEAD_LOG_LEVEL", "DrainTimeout",
	} {
		require.ErrorContains(t, err, part)
	}
	require.NotContains(t, err.Error(), "hunter2")
}

func TestStaticCredentialsAreWhole(t *testing.T) {
	t.Parallel()
	for set, whole := range map[string]bool{
		"":                         true,
		"FAIRLEAD_S3_ACCESS_KEY=a": false,
		"FAIRLEAD_S3_SECRET_KEY=s": false,
		"FAIRLEAD_S3_ACCESS_KEY=a FAIRLEAD_S3_SECRET_KEY=s": true,
		"FAIRLEAD_S3_ACCESS_KEY=a FAIRLEAD_S3_SECRET_KEY=":  false,
	} {
		_, err := config.Load(strings.Fields(set))
		require.Equal(t, whole, err == nil, set)
	}
}

func TestRequireNamesEveryMissingVariable(t *testing.T) {
	t.Parallel()
	cfg, err := config.Load([]string{"FAIRLEAD_OIDC_ISSUER=https://issuer.example"})
	require.NoError(t, err)
	require.NoError(t, cfg.Require("OIDC_ISSUER"))
	err = cfg.Require("DATABASE_URL", "OIDC_ISSUER", "REDIS_ADDRESS")
	require.ErrorContains(t, err, "FAIRLEAD_DATABASE_URL is not set")
	require.ErrorContains(t, err, "FAIRLEAD_REDIS_ADDRESS is not set")
	require.NotContains(t, err.Error(), "OIDC_ISSUER")
}

func TestSettingsMaskSecrets(t *testing.T) {
	t.Parallel()
	cfg, err := config.Load([]string{
		"FAIRLEAD_DATABASE_URL=postgres://u:hunter2@db/x", "TEMPORAL_API_KEY=hunter3", "FAIRLEAD_S3_ACCESS_KEY=fairlead", "FAIRLEAD_S3_SECRET_KEY=hunter4",
		"FAIRLEAD_CALLBACK_KEY=hunter5" + strings.Repeat("x", 32),
	})
	require.NoError(t, err)
	shown := map[string]string{}
	for _, setting := range cfg.Settings() {
		shown[setting.Name] = setting.Value
		require.NotContains(t, setting.Value, "hunter")
	}
	require.Equal(t, "(set)", shown["FAIRLEAD_DATABASE_URL"])
	require.Equal(t, "(set)", shown["TEMPORAL_API_KEY"])
	require.Equal(t, "default", shown["TEMPORAL_NAMESPACE"])
	require.Equal(t, "1m40s", shown["FAIRLEAD_DRAIN_TIMEOUT"])
}
