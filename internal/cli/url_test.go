package cli_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/cli"
)

func TestTheGatewayIsFound(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		prepare func(s *shell, ports string) []string
		want    string // "" means that it is found
	}{
		"from the environment": {func(s *shell, _ string) []string {
			s.env = append(s.env, "FAIRLEAD_URL="+s.url)
			s.write(".fairlead/ports.json", `{"gateway":1}`)
			return nil
		}, ""},
		"by the flag": {func(s *shell, _ string) []string {
			s.env = append(s.env, "FAIRLEAD_URL=http://127.0.0.1:1")
			return []string{"--url", s.url}
		}, ""},
		"where the dev stack in a folder above is": {func(s *shell, ports string) []string {
			s.write(".fairlead/ports.json", ports)
			s.dir = filepath.Join(s.dir, "a", "b")
			return nil
		}, ""},
		"by no file that says something else": {func(s *shell, _ string) []string {
			s.write(".fairlead/ports.json", "garbage")
			return nil
		}, "ports.json does not say where the dev stack is"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sh := setup(t, map[string]http.HandlerFunc{"GET /v1/teams/default/runs": reply(http.StatusOK, object{"items": []any{}})})
			sh.env = []string{"FAIRLEAD_TOKEN=secret"}
			at, err := url.Parse(sh.url)
			require.NoError(t, err)
			port, err := strconv.Atoi(at.Port())
			require.NoError(t, err)
			ports, err := json.Marshal(object{"gateway": port, "s3": 1})
			require.NoError(t, err)
			code := sh.run(append([]string{"runs"}, test.prepare(sh, string(ports))...)...)
			if test.want == "" {
				require.Equal(t, cli.ExitSucceeded, code, sh.stderr.String())
				return
			}
			require.Equal(t, cli.ExitUsage, code)
			require.Contains(t, sh.stderr.String(), test.want)
		})
	}
}
