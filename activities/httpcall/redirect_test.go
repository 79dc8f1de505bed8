package httpcall_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRedirects(t *testing.T) {
	t.Parallel()
	action := setup(t)
	for name, test := range map[string]struct {
		method string
		code   int
		want   int
	}{
		"get 302":     {"GET", 302, 200},
		"head 301":    {"HEAD", 301, 200},
		"get 308":     {"GET", 308, 200},
		"post 307":    {"POST", 307, 200},
		"put 308":     {"PUT", 308, 200},
		"post 303":    {"POST", 303, 303},
		"delete 302":  {"DELETE", 302, 302},
		"options 301": {"OPTIONS", 301, 301},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			end, got := listen(t)
			start := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, end+"/end", test.code) })
			with := map[string]any{"method": test.method}
			if test.method == "POST" || test.method == "PUT" {
				with["json"] = map[string]any{"a": 1}
			}
			answer, told := call(t, action, start, with)
			require.Equal(t, test.want, answer.Status)
			if test.want != 200 {
				require.Equal(t, end+"/end", answer.Headers["location"])
				return
			}
			require.Equal(t, test.method, got.method)
			require.Contains(t, told.text(), "redirect")
			if with["json"] != nil {
				require.JSONEq(t, `{"a":1}`, got.body)
			}
		})
	}
}

func TestCredentialsStayWithTheirOrigin(t *testing.T) {
	t.Parallel()
	action := setup(t)
	other, got := listen(t)
	mine := http.NewServeMux()
	var kept atomic.Value
	mine.HandleFunc("/away", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other, http.StatusFound) })
	mine.HandleFunc("/near", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/here", http.StatusFound) })
	mine.HandleFunc("/here", func(_ http.ResponseWriter, r *http.Request) { kept.Store(r.Header.Clone()) })
	url := serve(t, mine.ServeHTTP)
	with := map[string]any{
		"auth":    map[string]any{"bearer": "t0ken"},
		"headers": map[string]any{"X-Api-Key": "k3y", "Cookie": "s=1", "X-Trace": "yes"},
		"query":   map[string]any{"token": "s3cret"},
	}

	call(t, action, url+"/away", with)
	for _, name := range []string{"Authorization", "X-Api-Key", "Cookie", "Referer"} {
		require.Empty(t, got.header.Get(name), name)
	}
	require.Equal(t, "yes", got.header.Get("X-Trace"))
	require.Equal(t, token, got.header.Get("Idempotency-Key"))
	require.NotContains(t, got.uri, "s3cret")

	call(t, action, url+"/near", with)
	header, ok := kept.Load().(http.Header)
	require.True(t, ok)
	require.Equal(t, "Bearer t0ken", header.Get("Authorization"))
	require.Equal(t, "k3y", header.Get("X-Api-Key"))
}

func TestRedirectsThatEndBadly(t *testing.T) {
	t.Parallel()
	var hops atomic.Int32
	loop := serve(t, func(w http.ResponseWriter, r *http.Request) {
		hops.Add(1)
		http.Redirect(w, r, "/again", http.StatusFound)
	})
	failed, _ := fail(t.Context(), t, setup(t), loop, nil)
	require.Equal(t, "too_many_redirects", failed.Code)
	require.False(t, failed.Retryable)
	require.EqualValues(t, 11, hops.Load())

	scheme := answering(t, 302, map[string]string{"Location": "file:///etc/passwd"}, "")
	failed, _ = fail(t.Context(), t, setup(t), scheme, nil)
	require.Equal(t, "redirect_refused", failed.Code)

	// The guard sees where a redirect goes.
	inside := answering(t, 302, map[string]string{"Location": "http://169.254.169.254/latest/meta-data"}, "")
	failed, _ = fail(t.Context(), t, setup(t), inside, nil)
	require.Equal(t, "address_refused", failed.Code)

	broken := answering(t, 302, map[string]string{"Location": "http://%zz" + strings.Repeat("y", 500)}, "")
	failed, _ = fail(t.Context(), t, setup(t), broken, nil)
	require.Equal(t, "response_malformed", failed.Code)
	require.NotContains(t, failed.Message, strings.Repeat("y", 300))
}
