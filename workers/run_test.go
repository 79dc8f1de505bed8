package workers_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/fairlead/fairlead/internal/config"
	"github.com/fairlead/fairlead/workers"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var quiet = slog.New(slog.DiscardHandler)

// free is an address that nobody listens on.
func free(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, listener.Close()) }()
	return listener.Addr().String()
}

// settings are of a world in which nothing answers.
func settings(t *testing.T) config.Config {
	t.Helper()
	nobody := free(t)
	cfg, err := config.Load([]string{
		"FAIRLEAD_DATABASE_URL=postgres://x:y@" + nobody + "/fairlead", "TEMPORAL_ADDRESS=" + nobody, "FAIRLEAD_S3_ENDPOINT=http://" + nobody,
		"FAIRLEAD_CALLBACK_KEY=" + strings.Repeat("k", config.MinCallbackKey), "FAIRLEAD_SES_ENDPOINT=http://" + nobody, "FAIRLEAD_REDIS_ADDRESS=" + nobody,
		"FAIRLEAD_RUNNER_LISTEN=" + free(t), "FAIRLEAD_ORCHESTRATOR_LISTEN=" + free(t), "FAIRLEAD_NOTIFIER_LISTEN=" + free(t),
	})
	require.NoError(t, err)
	return cfg
}

// get answers with the status of a URL, 0 when there is no answer, and its body.
func get(url string) (int, map[string]any) {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
	if err != nil {
		return 0, nil
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, nil
	}
	defer func() { _ = resp.Body.Close() }()
	var body map[string]any
	_ = json.NewDecoder(resp.Body).Decode(&body)
	return resp.StatusCode, body
}

func TestRunWaitsForItsServersAndStopsWhenTold(t *testing.T) {
	t.Parallel()
	for _, role := range workers.Roles() {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			cfg := settings(t)
			base := "http://" + map[string]string{
				workers.RoleRunner: cfg.RunnerListen, workers.RoleOrchestrator: cfg.OrchestratorListen, workers.RoleNotifier: cfg.NotifierListen,
			}[role]
			ctx, stop := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- workers.Run(ctx, cfg, role, quiet) }()
			require.Eventually(t, func() bool { code, _ := get(base + "/health"); return code == http.StatusOK }, 10*time.Second, 20*time.Millisecond)
			code, body := get(base + "/ready")
			require.Equal(t, http.StatusServiceUnavailable, code)
			require.Equal(t, "starting", body["status"])
			require.Equal(t, role, body["role"])
			stop()
			require.NoError(t, <-done)
			code, _ = get(base + "/health")
			require.Zero(t, code)
		})
	}
}

func TestRunRefusesSettings(t *testing.T) {
	t.Parallel()
	cfg := settings(t)
	require.ErrorContains(t, workers.Run(t.Context(), cfg, "cook", quiet), "runner, orchestrator, notifier")

	none := cfg
	none.DatabaseURL = ""
	require.ErrorContains(t, workers.Run(t.Context(), none, workers.RoleRunner, quiet), "FAIRLEAD_DATABASE_URL")

	unsigned := cfg
	unsigned.CallbackKey = ""
	require.ErrorContains(t, workers.Run(t.Context(), unsigned, workers.RoleRunner, quiet), "FAIRLEAD_CALLBACK_KEY")

	allow := cfg
	allow.HTTPAllow = []string{"here"}
	require.ErrorContains(t, workers.Run(t.Context(), allow, workers.RoleRunner, quiet), "FAIRLEAD_HTTP_ALLOW")

	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	taken := cfg
	taken.NotifierListen = listener.Addr().String()
	require.ErrorContains(t, workers.Run(t.Context(), taken, workers.RoleNotifier, quiet), taken.NotifierListen)
}
