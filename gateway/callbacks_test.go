package gateway_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/gateway/api"
	"github.com/fairlead/fairlead/internal/callback"
	"github.com/fairlead/fairlead/internal/job"
)

// callbackPath is the path of a callback for a step of the run that there is.
func callbackPath() string {
	return callback.Path + callback.Sign(callbackKey, callback.Wait{Team: "default", Run: runID, Step: "fetch", Item: "eu"})
}

func call(path, body string) request {
	r := request{method: http.MethodPost, path: path, body: body, role: "nobody"}
	if body != "" {
		r.header = map[string]string{"Content-Type": "application/json"}
	}
	return r
}

func TestCallbacksReachTheirRun(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"null":                                  "null",
		`{"b": 9007199254740993, "a": ["<é>"]}`: `{"a":["<é>"],"b":9007199254740993}`,
		"\"x\"\n":                               `"x"`,
	} {
		w := setup(t)
		answer := w.do(call(callbackPath(), body))
		require.Equal(t, http.StatusAccepted, answer.Code, answer.Body.String())
		require.Equal(t, []any{"default " + runID + " fetch/eu " + want}, w.flows.all())
	}
}

func TestProbesOfACallbacksURLEndNoWait(t *testing.T) {
	t.Parallel()
	w := setup(t)
	require.Equal(t, api.CodeMalformed, problemOf(t, w.do(call(callbackPath(), ""))).Code)
	require.Equal(t, http.StatusMethodNotAllowed, w.do(request{method: http.MethodGet, path: callbackPath(), role: "nobody"}).Code)
	require.Empty(t, w.flows.all())
}

func TestForgedCallbacks(t *testing.T) {
	t.Parallel()
	wait := callback.Wait{Team: "default", Run: runID, Step: "fetch", Item: "eu"}
	good := callback.Sign(callbackKey, wait)
	stranger := wait
	stranger.Team = "other"
	for name, token := range map[string]string{
		"nothing like one":      "abc",
		"cut":                   good[:len(good)-1],
		"changed":               "B" + good[1:],
		"another key's":         callback.Sign([]byte("another key"), wait),
		"no key's":              callback.Sign(nil, wait),
		"another team's run":    callback.Sign(callbackKey, stranger),
		"too long":              strings.Repeat("a", 5000),
		"with what isn't UTF-8": "%ff",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			answer := w.do(call("/v1/callbacks/"+token, "{}"))
			require.Equal(t, api.CodeNotFound, problemOf(t, answer).Code, "whatever is wrong with it")
			require.Empty(t, w.flows.all())
		})
	}
}

func TestCallbacksThatComeTooLate(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.memory.end(job.StatusSucceeded, "{}")
	require.Equal(t, http.StatusAccepted, w.do(call(callbackPath(), "1")).Code, "what was taken before, and is sent again")
	w.flows.err = job.Errorf(job.CodeGone, "no workflow")
	problem := problemOf(t, w.do(call(callbackPath(), "1")))
	require.Equal(t, api.CodeGone, problem.Code)
	require.Equal(t, "the run has ended", problem.Detail)
	gone := callback.Path + callback.Sign(callbackKey, callback.Wait{Team: "default", Run: "run_06b6zdz1f5r7b3r1q5h8e2m4zz", Step: "fetch"})
	require.Equal(t, api.CodeGone, problemOf(t, w.do(call(gone, "1"))).Code)
	require.Len(t, w.flows.all(), 2, "a run that isn't kept is asked nothing")
}

func TestCallbacksThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body   string
		err    error
		status int
	}{
		"not JSON":            {`{"a":`, nil, http.StatusBadRequest},
		"a number too large":  {`[1e999]`, nil, http.StatusBadRequest},
		"a key twice":         {`{"a":1,"a":1}`, nil, http.StatusBadRequest},
		"too large":           {`"` + strings.Repeat("x", 256<<10) + `"`, nil, http.StatusRequestEntityTooLarge},
		"another body before": {`{}`, job.Errorf(job.CodeConflict, "there is another body"), http.StatusConflict},
		"the wait is over":    {`{}`, job.Errorf(job.CodeGone, "over"), http.StatusGone},
		"Temporal is away":    {`{}`, job.Errorf(job.CodeUnavailable, "away"), http.StatusServiceUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			w.flows.err = c.err
			answer := w.do(call(callbackPath(), c.body))
			require.Equal(t, c.status, answer.Code, answer.Body.String())
			problemOf(t, answer)
			require.Equal(t, c.status == http.StatusServiceUnavailable, answer.Header().Get("Retry-After") != "")
		})
	}
	w := setup(t)
	r := call(callbackPath(), "a=b")
	r.header["Content-Type"] = "application/x-www-form-urlencoded"
	require.Equal(t, http.StatusUnsupportedMediaType, w.do(r).Code)
}
