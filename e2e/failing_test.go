package e2e_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRetryThenSuccess(t *testing.T) {
	t.Parallel()
	target := newTarget(t, func(n int, w http.ResponseWriter, _ *http.Request) {
		if n < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		sendJSON(w, fmt.Sprintf(`{"n": %d}`, n))
	})
	admin := asAdmin(t)
	admin.publish("retry")
	ended := admin.finish("retry", object{"target": target.URL})
	require.Equal(t, "succeeded", ended.Status, "%+v", ended.Error)
	require.JSONEq(t, `3`, string(ended.Output))
	require.Equal(t, 3, admin.steps(ended.ID)["flaky"].Attempts)

	calls := target.seen()
	require.Len(t, calls, 3)
	require.Equal(t, calls[0].header.Get("Idempotency-Key"), calls[1].header.Get("Idempotency-Key"))
	require.Equal(t, calls[0].header.Get("Idempotency-Key"), calls[2].header.Get("Idempotency-Key"))
	attempts := map[int]bool{}
	for _, one := range admin.log(ended.ID) {
		attempts[one.Attempt] = true
	}
	require.Equal(t, map[int]bool{1: true, 2: true, 3: true}, attempts, "each attempt has its log")
}

// hang holds a request until its caller gives up.
func hang(_ int, _ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func TestStepTimeout(t *testing.T) {
	t.Parallel()
	target := newTarget(t, hang)
	admin := asAdmin(t)
	admin.publish("timeout")
	ended := admin.finish("timeout", object{"target": target.URL})
	require.Equal(t, "failed", ended.Status)
	require.Equal(t, "timeout", ended.Error.Code)
	require.Equal(t, "slow", ended.Error.Step)
	require.Equal(t, 2, admin.steps(ended.ID)["slow"].Attempts)
	require.Contains(t, messages(admin.log(ended.ID), "slow"), "timeout")
}

func TestRunTimeout(t *testing.T) {
	t.Parallel()
	target := newTarget(t, hang)
	admin := asAdmin(t)
	admin.publish("deadline")
	ended := admin.finish("deadline", object{"target": target.URL})
	require.Equal(t, "timed_out", ended.Status)
	steps := admin.steps(ended.ID)
	require.Contains(t, []string{"timed_out", "canceled"}, steps["slow"].Status)
	require.NotContains(t, []string{"succeeded", "running", "pending"}, steps["after"].Status)
	require.Len(t, target.seen(), 1)
	require.Len(t, admin.mailed(ended.ID, 1), 1, "a run that timed out is told as failed")
}

func TestUpstreamsThatMisbehave(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		answer func(n int, w http.ResponseWriter, r *http.Request)
		step   string
		code   string
		says   string
	}{
		"html": {func(_ int, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte("<html><body>Please log in</body></html>"))
		}, "call", "response_html", "HTML"},
		"endless": {func(_ int, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			for r.Context().Err() == nil {
				if _, err := w.Write([]byte(strings.Repeat("[", 64<<10))); err != nil {
					return
				}
			}
		}, "call", "response_too_large", "maxBytes"},
		"10 GB announced": {func(_ int, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10000000000")
			_, _ = w.Write([]byte("["))
		}, "call", "response_too_large", "maxBytes"},
		"nothing": {func(_ int, _ http.ResponseWriter, _ *http.Request) {
			panic(http.ErrAbortHandler) // closes the connection without an answer
		}, "call", "no_response", "no response"},
		"silence": {hang, "call", "timeout", "did not answer"},
		"half": {func(_ int, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte(`{"id": 1`))
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, "call", "response_truncated", "8 bytes"},
		"not JSON": {func(_ int, w http.ResponseWriter, _ *http.Request) { sendJSON(w, "{oops") }, "call", "response_not_json", "not"},
		"not found": {func(_ int, w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNotFound)
		}, "call", "http_status", "404"},
		"another shape": {func(_ int, w http.ResponseWriter, _ *http.Request) { sendJSON(w, `[]`) }, "next", "", "id"},
	}
	asAdmin(t).publish("fragile")
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := newTarget(t, test.answer)
			admin := asAdmin(t)
			ended := admin.finish("fragile", object{"url": target.URL + "/"})
			require.Equal(t, "failed", ended.Status)
			require.Equal(t, test.step, ended.Error.Step)
			if test.code != "" {
				require.Equal(t, test.code, ended.Error.Code, ended.Error.Message)
			}
			require.Contains(t, ended.Error.Message, test.says)
			require.NotContains(t, ended.Error.Message, "\n")
			require.Contains(t, messages(admin.log(ended.ID), test.step), ended.Error.Message, "the log says the same")
			require.Equal(t, ended.Error.Message, admin.step(ended.ID, test.step).Error.Message, "the step says the same")
		})
	}
}

func TestNobodyAtTheAddress(t *testing.T) {
	t.Parallel()
	admin := asAdmin(t)
	admin.publish("fragile")
	ended := admin.finish("fragile", object{"url": "http://127.0.0.1:1/"})
	require.Equal(t, "failed", ended.Status)
	require.Equal(t, "connection", ended.Error.Code)
	require.Equal(t, "upstream", admin.steps(ended.ID)["next"].Reason)
}

func TestPrivateAddressesAreNotCalled(t *testing.T) {
	t.Parallel()
	admin := asAdmin(t)
	admin.publish("fragile")
	ended := admin.finish("fragile", object{"url": "http://169.254.169.254/latest/meta-data/"})
	require.Equal(t, "failed", ended.Status)
	require.Equal(t, "address_refused", ended.Error.Code)
}
