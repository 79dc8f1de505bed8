package cli_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/cli"
)

func published(name string, version int) object {
	return object{"team": "default", "job": name, "version": version, "current": version, "digest": "sha256:60303ae22b998861bce3b28f33eec1be", "warnings": []any{}}
}

func TestValidateTellsEveryPlace(t *testing.T) {
	t.Parallel()
	sh := setup(t, nil)
	sh.write("good.yaml", validJob)
	sh.write("bad.yaml", strings.ReplaceAll(validJob, "uses: http", "uses: htp, nedes: []"))
	require.Equal(t, cli.ExitSucceeded, sh.run("validate", "good.yaml"))
	require.Equal(t, "good.yaml: nightly is valid\n", sh.stdout.String())

	require.Equal(t, cli.ExitFailed, sh.run("validate", "good.yaml", "bad.yaml"))
	require.Regexp(t, `(?m)^bad\.yaml:4:\d+: .*htp.*http`, sh.stderr.String(), "the unknown action, and what was meant")
	require.Regexp(t, `(?m)^bad\.yaml:4:\d+: .*nedes.*needs`, sh.stderr.String(), "the unknown key, and what was meant")
	require.Contains(t, sh.stderr.String(), "fairlead: bad.yaml: invalid_definition: ")
	require.Empty(t, sh.stdout.String())
}

func TestValidateReadsStandardInput(t *testing.T) {
	t.Parallel()
	sh := setup(t, nil)
	sh.stdin = validJob
	require.Equal(t, cli.ExitSucceeded, sh.run("validate", "-", "--output", "json"))
	require.Contains(t, sh.stdout.String(), `"valid": true`)
	require.Contains(t, sh.stdout.String(), `"name": "nightly"`)
}

func TestPublishSendsEachDocumentAsItStands(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	bodies := map[string]string{}
	sh := setup(t, map[string]http.HandlerFunc{"PUT /v1/teams/ops/jobs/{job}": func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		bodies[r.PathValue("job")] = r.Header.Get("Content-Type") + "\n" + string(raw)
		write(w, http.StatusCreated, published(r.PathValue("job"), 2))
	}})
	second := strings.ReplaceAll(validJob, "nightly", "weekly")
	sh.write("jobs.yaml", validJob+"---\n"+second)
	sh.write("job.json", `{"apiVersion": "fairlead/v1", "name": "once", "steps": [{"id": "ready", "uses": "http", "with": {"url": "http://127.0.0.1:4000/ready"}}]}`)
	require.Equal(t, cli.ExitSucceeded, sh.run("publish", "jobs.yaml", "job.json", "--team", "ops"), sh.stderr.String())

	mu.Lock()
	defer mu.Unlock()
	require.Len(t, bodies, 3)
	require.Contains(t, bodies["nightly"], "application/yaml\napiVersion")
	require.NotContains(t, bodies["nightly"], "weekly")
	require.Contains(t, bodies["weekly"], "name: weekly")
	require.Contains(t, bodies["once"], "application/json\n{")
	require.Regexp(t, `weekly\s+2\s+sha256:60303ae22b99…\s+jobs\.yaml`, sh.stdout.String())
}

func TestPublishPublishesNothingWhenOneFileIsWrong(t *testing.T) {
	t.Parallel()
	sh := setup(t, map[string]http.HandlerFunc{"PUT /": func(http.ResponseWriter, *http.Request) { t.Error("a job was published") }})
	sh.write("good.yaml", validJob)
	sh.write("bad.yaml", "name: [")
	require.Equal(t, cli.ExitFailed, sh.run("publish", "good.yaml", "bad.yaml"))
	require.Contains(t, sh.stderr.String(), "bad.yaml:")
}

func TestAnUnreadableFileHidesNoOther(t *testing.T) {
	t.Parallel()
	sh := setup(t, nil)
	sh.write("bad.yaml", "name: [")
	for _, files := range [][]string{{"none.yaml", "bad.yaml"}, {"bad.yaml", "none.yaml"}} {
		require.Equal(t, cli.ExitUsage, sh.run(append([]string{"validate"}, files...)...))
		require.Contains(t, sh.stderr.String(), "none.yaml")
		require.Contains(t, sh.stderr.String(), "bad.yaml:")
	}
}

func TestPublishPlacesTheGatewaysProblemsInTheFile(t *testing.T) {
	t.Parallel()
	sh := setup(t, map[string]http.HandlerFunc{"PUT /": reply(http.StatusUnprocessableEntity, object{
		"type": "urn:fairlead:problem:invalid_definition", "title": "Invalid", "status": 422, "code": "invalid_definition",
		"detail": "1 problem", "requestId": "req1",
		"errors": []object{{"pointer": "/name", "line": 2, "column": 7, "message": "taken\x1b[31m"}},
	})})
	sh.write("jobs.yaml", "# a comment\n---\n"+validJob)
	require.Equal(t, cli.ExitFailed, sh.run("publish", "jobs.yaml"))
	require.Regexp(t, `(?m)^jobs\.yaml:4:7: taken\[31m$`, sh.stderr.String(), "the line in the file, without control characters")
	require.Contains(t, sh.stderr.String(), "(request req1)")
}

// The gateway knows the team's variables: what it finds takes the place of what is found here.
func TestPublishTellsAllThatTheGatewayFinds(t *testing.T) {
	t.Parallel()
	sh := setup(t, map[string]http.HandlerFunc{
		"PUT /": func(http.ResponseWriter, *http.Request) { t.Error("a job was published") },
		"POST /v1/teams/default/validate": func(w http.ResponseWriter, r *http.Request) {
			raw, _ := io.ReadAll(r.Body)
			if !strings.Contains(string(raw), "vars.") {
				write(w, http.StatusOK, object{"valid": true, "jobs": []any{}})
				return
			}
			write(w, http.StatusUnprocessableEntity, object{"status": 422, "code": "invalid_definition", "detail": "2 problems", "requestId": "req1", "errors": []object{
				{"line": 4, "column": 5, "message": "no key nedes"}, {"line": 4, "column": 30, "message": "no variable region"},
			}})
		},
	})
	both := strings.ReplaceAll(validJob, "uses: http, with: {url: \"", "uses: http, nedes: [], with: {url: \"${vars.region}")
	sh.write("good.yaml", validJob)
	sh.write("both.yaml", both)
	sh.write("variable.yaml", strings.ReplaceAll(both, "nedes: [], ", ""))
	require.Equal(t, cli.ExitFailed, sh.run("publish", "good.yaml", "both.yaml", "variable.yaml"))
	for _, file := range []string{"both.yaml", "variable.yaml"} {
		require.Contains(t, sh.stderr.String(), file+":4:5: no key nedes\n"+file+":4:30: no variable region\n")
		require.Contains(t, sh.stderr.String(), "fairlead: "+file+": invalid_definition: 2 problems\n")
	}
	require.Empty(t, sh.stdout.String())

	require.Equal(t, cli.ExitFailed, sh.run("publish", "both.yaml", "--url", "http://127.0.0.1:1"))
	require.Regexp(t, `(?m)^both\.yaml:4:\d+: .*nedes.*needs`, sh.stderr.String(), "without a gateway, what is found here")
	require.NotContains(t, sh.stderr.String(), "can't reach")
}
