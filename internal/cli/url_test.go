package cli_test

import (
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/cli"
)

func TestTheGatewayIsFound(t *testing.T) {
	t.Parallel()
	for name, test := range whereTheGatewayIs() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sh := setup(t, map[string]http.HandlerFunc{"GET /v1/teams/default/runs": reply(http.StatusOK, object{"items": []any{}})})
			sh.env = []string{"FAIRLEAD_TOKEN=secret"}
			_, port, err := net.SplitHostPort(strings.TrimPrefix(sh.url, "http://"))
			require.NoError(t, err)
			code := sh.run(append([]string{"runs"}, test.prepare(sh, `{"gateway":`+port+`,"s3":1}`)...)...)
			if test.want == "" {
				require.Equal(t, cli.ExitSucceeded, code, sh.stderr.String())
				return
			}
			require.Equal(t, cli.ExitUsage, code)
			require.Contains(t, sh.stderr.String(), test.want)
		})
	}
}

// whereItIs is a way to say, or not to say, where the gateway is.
type whereItIs struct {
	prepare func(s *shell, ports string) []string
	want    string // "" means that it is found
}

func whereTheGatewayIs() map[string]whereItIs {
	return map[string]whereItIs{
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
		"by no file that can't be read": {func(s *shell, _ string) []string {
			s.write(".fairlead/ports.json/x", "") // a folder can't be read as a file, by root neither
			return nil
		}, "name the gateway with --url or FAIRLEAD_URL"},
		"of one stack with its token": {func(s *shell, ports string) []string {
			s.env = nil
			s.write(".fairlead/token", "of the stack above")
			s.write("a/.fairlead/ports.json", ports)
			s.dir = filepath.Join(s.dir, "a")
			return nil
		}, "a/.fairlead/token"},
	}
}
