package e2e_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// sources is this package's folder when the tests are to write their golden files anew:
// go test ./e2e -run Refused -update $PWD/e2e
var sources = flag.String("update", "", "write golden files under this folder")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	if *sources != "" {
		require.NoError(t, os.WriteFile(filepath.Join(*sources, name), got, 0o600))
		return
	}
	want, err := cases.ReadFile(name)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}

// shown is a problem for people to read, without what is never the same.
func shown(t *testing.T, body []byte) []byte {
	t.Helper()
	var problem object
	require.NoError(t, json.Unmarshal(body, &problem))
	delete(problem, "requestId")
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	require.NoError(t, encoder.Encode(problem))
	return out.Bytes()
}

func TestRefusedDefinitions(t *testing.T) {
	t.Parallel()
	files, err := fs.Glob(cases, "refused/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			admin := asAdmin(t)
			source, err := cases.ReadFile(file)
			require.NoError(t, err)
			refused := admin.put(name, source)
			problem := refused.problem()
			require.NotEmpty(t, problem.Errors)
			for _, place := range problem.Errors {
				require.Positive(t, place.Line, place.Message)
				require.Positive(t, place.Column, place.Message)
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".golden", shown(t, refused.body))

			require.Equal(t, http.StatusNotFound, admin.send(http.MethodGet, admin.jobPath(name), nil).status, "nothing is stored")
			submitted := admin.send(http.MethodPost, admin.jobPath(name)+"/runs", []byte(`{}`), "Content-Type", "application/json")
			require.Equal(t, http.StatusNotFound, submitted.status, "nothing can be run")
		})
	}
}

const takesADay = `apiVersion: fairlead/v1
name: takes_a_day
input:
  type: object
  required: [day]
  properties: {day: {type: string, format: date}, count: {type: integer, maximum: 3}, text: {type: string}}
steps:
  - {id: call, uses: http, with: {url: "http://127.0.0.1:1/"}}
`

func TestRefusedSubmits(t *testing.T) { //nolint:tparallel // what was kept is looked at after all of them
	t.Parallel()
	admin := asAdmin(t)
	require.Equal(t, http.StatusCreated, admin.put("takes_a_day", []byte(takesADay)).status)
	large, err := json.Marshal(object{"input": object{"day": "2026-11-20", "text": strings.Repeat("x", 3<<20)}})
	require.NoError(t, err)
	const asJSON = "application/json"
	tests := map[string]struct {
		body, kind string
		headers    []string
		status     int
		code       string
		pointers   []string
	}{
		"not JSON":             {`{"input": `, asJSON, nil, http.StatusBadRequest, "malformed", nil},
		"not an object":        {`[1]`, asJSON, nil, http.StatusUnprocessableEntity, "invalid_input", []string{""}},
		"an unknown key":       {`{"inputs": {}}`, asJSON, nil, http.StatusUnprocessableEntity, "invalid_input", []string{"/inputs"}},
		"another content type": {`day=1`, "application/x-www-form-urlencoded", nil, http.StatusUnsupportedMediaType, "unsupported_type", nil},
		"no input":             {`{}`, asJSON, nil, http.StatusUnprocessableEntity, "invalid_input", nil},
		"a broken schema": {`{"input": {"day": "yesterday", "count": 4, "extra": 1}}`, asJSON, nil, http.StatusUnprocessableEntity, "invalid_input", []string{
			"/input/day", "/input/count", "/input/extra",
		}},
		"3 MB":               {string(large), asJSON, nil, http.StatusRequestEntityTooLarge, "too_large", nil},
		"an unknown version": {`{"input": {"day": "2026-11-20"}, "version": 99}`, asJSON, nil, http.StatusNotFound, "not_found", nil},
		"a key with a space": {`{"input": {"day": "2026-11-20"}}`, asJSON, []string{"Idempotency-Key", "a b"}, http.StatusBadRequest, "malformed", nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			admin := asAdmin(t)
			refused := admin.send(http.MethodPost, admin.jobPath("takes_a_day")+"/runs", []byte(test.body), append(test.headers, "Content-Type", test.kind)...)
			require.Equal(t, test.status, refused.status, "%s", refused.body)
			problem := refused.problem()
			require.Equal(t, test.code, problem.Code)
			var pointers []string
			for _, place := range problem.Errors {
				pointers = append(pointers, place.Pointer)
			}
			if test.pointers != nil {
				require.ElementsMatch(t, test.pointers, pointers)
			}
			require.Less(t, len(refused.body), 4<<10, "what was sent is not sent back")
		})
	}
	var list struct{ Items []run }
	admin.get("/v1/teams/default/runs?job=takes_a_day", &list)
	require.Empty(t, list.Items, "no run was kept")
}

func TestRefusedPaths(t *testing.T) {
	t.Parallel()
	admin := asAdmin(t)
	for _, path := range []string{
		"/v1/teams/default/jobs/..%2F..%2Fetc",
		"/v1/teams/default/jobs/%2e%2e%2fother",
		"/v1/teams/..%2Fdefault/jobs/x",
		"/v1/teams/default/jobs/Upper",
		"/v1/teams/default/jobs/" + strings.Repeat("a", 300),
		"/v1/teams/default/jobs/a%00b",
		"/v1/runs/..%2F..%2Fetc%2Fpasswd",
		"/v1/runs/run_1%27%20OR%201=1",
	} {
		answer := admin.send(http.MethodGet, path, nil)
		require.Contains(t, []int{http.StatusBadRequest, http.StatusNotFound}, answer.status, path)
		answer.problem()
	}
	for _, method := range []string{http.MethodPut, http.MethodPost} {
		answer := admin.send(method, "/v1/teams/default/jobs/..%2Fx", []byte(takesADay), "Content-Type", "application/yaml")
		require.Contains(t, []int{http.StatusBadRequest, http.StatusNotFound, http.StatusMethodNotAllowed}, answer.status)
		answer.problem()
	}
}

func TestRefusedBodies(t *testing.T) {
	t.Parallel()
	admin := asAdmin(t)
	tooLarge := append([]byte(takesADay), bytes.Repeat([]byte("# padding\n"), 200_000)...)
	answer := admin.put("takes_a_day_too", tooLarge)
	require.Equal(t, http.StatusRequestEntityTooLarge, answer.status)
	require.Equal(t, "too_large", answer.problem().Code)

	answer = admin.put("takes_a_day_too", []byte(takesADay))
	require.Equal(t, http.StatusUnprocessableEntity, answer.status, "the name in the file is another one")
	require.Contains(t, answer.problem().Errors[0].Message, "takes_a_day_too")

	answer = admin.send(http.MethodPut, admin.jobPath("takes_a_day_too"), []byte(takesADay), "Content-Type", "image/png")
	require.Equal(t, http.StatusUnsupportedMediaType, answer.status)

	answer = admin.put("takes_a_day_too", []byte(takesADay+"---\n"+takesADay))
	require.GreaterOrEqual(t, answer.status, http.StatusBadRequest, "one definition at a time")
	require.Equal(t, http.StatusNotFound, admin.send(http.MethodGet, admin.jobPath("takes_a_day_too"), nil).status)
}
