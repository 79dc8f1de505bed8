package cli_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/fairlead/fairlead/internal/cli"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shell runs commands as a person at a terminal would, against a gateway of the test's own.
type shell struct {
	t     *testing.T
	url   string
	dir   string
	env   []string
	stdin string

	stdout, stderr bytes.Buffer
}

// setup serves the routes and returns a shell in an empty folder, with a token.
func setup(t *testing.T, routes map[string]http.HandlerFunc) *shell {
	t.Helper()
	mux := http.NewServeMux()
	for pattern, handler := range routes {
		mux.HandleFunc(pattern, handler)
	}
	server := httptest.NewServer(mux)
	t.Cleanup(func() {
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		server.Close()
	})
	return &shell{t: t, url: server.URL, dir: t.TempDir(), env: []string{"FAIRLEAD_TOKEN=secret", "FAIRLEAD_URL=" + server.URL}}
}

func (s *shell) run(args ...string) int {
	s.t.Helper()
	s.stdout.Reset()
	s.stderr.Reset()
	return cli.Run(s.t.Context(), cli.Program{
		Name: "fairlead", Args: args, Environ: s.env, Dir: s.dir,
		Stdin: strings.NewReader(s.stdin), Stdout: &s.stdout, Stderr: &s.stderr,
		CutDelay: time.Millisecond,
	})
}

func (s *shell) write(name, content string) string {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	require.NoError(s.t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(s.t, os.WriteFile(path, []byte(content), 0o600))
	return name
}

func reply(status int, body any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { write(w, status, body) }
}

func write(w http.ResponseWriter, status int, body any) {
	kind := "application/json"
	if status >= 400 {
		kind = "application/problem+json"
	}
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

type object = map[string]any

func aRun(status string) object {
	return object{
		"id": "run_1", "team": "default", "job": "nightly", "version": 3, "status": status, "labels": object{}, "priority": 3,
		"trigger": object{"kind": "manual", "by": "ana"}, "createdAt": "2026-11-20T09:00:00Z",
		"startedAt": "2026-11-20T09:00:00Z", "endedAt": "2026-11-20T09:00:02.5Z",
	}
}

const validJob = `apiVersion: fairlead/v1
name: nightly
steps:
  - {id: ready, uses: http, with: {url: "http://127.0.0.1:4000/ready"}}
`

func TestTokenIsFoundWhereItIs(t *testing.T) {
	t.Parallel()
	seen := func(t *testing.T, prepare func(*shell) []string) (string, int) {
		t.Helper()
		var mu sync.Mutex
		var header string
		sh := setup(t, map[string]http.HandlerFunc{"GET /v1/teams/default/runs": func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			header = r.Header.Get("Authorization")
			mu.Unlock()
			write(w, http.StatusOK, object{"items": []any{}})
		}})
		code := sh.run(append([]string{"runs"}, prepare(sh)...)...)
		mu.Lock()
		defer mu.Unlock()
		return header, code
	}
	tests := map[string]struct {
		prepare func(*shell) []string
		header  string
		code    int
	}{
		"from the environment": {func(*shell) []string { return nil }, "Bearer secret", cli.ExitSucceeded},
		"a file before the environment": {func(s *shell) []string {
			return []string{"--token-file", s.write("mine", "other\n")}
		}, "Bearer other", cli.ExitSucceeded},
		"the dev stack's, in a folder above": {func(s *shell) []string {
			s.env = s.env[1:]
			s.write(".fairlead/token", "dev\n")
			s.dir = filepath.Join(s.dir, "a", "b")
			return nil
		}, "Bearer dev", cli.ExitSucceeded},
		"nowhere": {func(s *shell) []string { s.env = s.env[1:]; return nil }, "", cli.ExitUsage},
		"not one token": {func(s *shell) []string {
			return []string{"--token-file", s.write("mine", "two words")}
		}, "", cli.ExitUsage},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			header, code := seen(t, test.prepare)
			require.Equal(t, test.code, code)
			require.Equal(t, test.header, header)
		})
	}
}

func TestUsageErrorsSayTheWayOut(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		args []string
		want string
	}{
		"unknown command":     {[]string{"pubish"}, `unknown command "pubish"`},
		"missing argument":    {[]string{"get"}, "accepts 1 arg"},
		"unknown output form": {[]string{"runs", "--output", "xml"}, `--output "xml" is neither text nor json`},
		"not a URL":           {[]string{"runs", "--url", "localhost"}, "is not a URL such as"},
		"missing file":        {[]string{"validate", "none.yaml"}, "none.yaml"},
		"not key=value":       {[]string{"run", "nightly", "-i", "day"}, `-i "day" is not key=value`},
		"not a time":          {[]string{"runs", "--since", "yesterday"}, "neither a time such as"},
		"missing role":        {[]string{"worker"}, `required flag(s) "role" not set`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sh := setup(t, nil)
			require.Equal(t, cli.ExitUsage, sh.run(test.args...))
			require.Contains(t, sh.stderr.String(), test.want)
			require.Empty(t, sh.stdout.String())
		})
	}
}

func TestNoGateway(t *testing.T) {
	t.Parallel()
	sh := setup(t, nil)
	require.Equal(t, cli.ExitUsage, sh.run("get", "run_1", "--url", "http://127.0.0.1:1"))
	require.Contains(t, sh.stderr.String(), "can't reach the gateway at 127.0.0.1:1")
	require.Contains(t, sh.stderr.String(), "go tool task dev")
	require.NotContains(t, sh.stderr.String(), "secret")
}

func TestSomethingElseAtTheURL(t *testing.T) {
	t.Parallel()
	sh := setup(t, map[string]http.HandlerFunc{"/": func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("<html>hello"))
	}})
	require.Equal(t, cli.ExitUsage, sh.run("runs"))
	require.Contains(t, sh.stderr.String(), "is that the gateway's URL?")
}

func TestConfigMasksSecrets(t *testing.T) {
	t.Parallel()
	sh := setup(t, nil)
	sh.env = append(sh.env, "FAIRLEAD_DATABASE_URL=postgres://u:hunter2@db/f", "FAIRLEAD_LOG_LEVEL=debug")
	require.Equal(t, cli.ExitSucceeded, sh.run("config"))
	require.NotContains(t, sh.stdout.String(), "hunter2")
	require.Regexp(t, `FAIRLEAD_LOG_LEVEL\s+debug`, sh.stdout.String())

	sh.env = append(sh.env, "FAIRLEAD_LOG_LEVEL=loud", "FAIRLEAD_OIDC_ISSUER=nowhere")
	require.Equal(t, cli.ExitUsage, sh.run("config"))
	require.Contains(t, sh.stderr.String(), "LOG_LEVEL")
	require.Contains(t, sh.stderr.String(), "OIDC_ISSUER")
}
