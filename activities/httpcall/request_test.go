package httpcall_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// seen is a request as the server got it.
type seen struct {
	method, uri, host, body string
	header                  http.Header
}

// listen returns a server's URL and the request that it will have got.
func listen(t *testing.T) (string, *seen) {
	t.Helper()
	got := &seen{}
	return serve(t, func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		*got = seen{method: r.Method, uri: r.RequestURI, host: r.Host, body: string(body), header: r.Header.Clone()}
	}), got
}

func TestRequestIsWhatTheStepSays(t *testing.T) {
	t.Parallel()
	url, got := listen(t)
	answer, _ := call(t, setup(t), url+"/orders?b=1&a=%20x", map[string]any{
		"method":  "POST",
		"headers": map[string]any{"X-Count": 3, "x-deep": true, "Host": "shop.example"},
		"query":   map[string]any{"id": 9007199254740993, "tag": []any{"x y", 2, false}},
		"json":    map[string]any{"id": 9007199254740993, "html": "<b>"},
		"auth":    map[string]any{"basic": map[string]any{"user": "ana", "password": "pass:word"}},
	})

	require.Equal(t, "POST", got.method)
	require.Equal(t, "/orders?b=1&a=%20x&id=9007199254740993&tag=x+y&tag=2&tag=false", got.uri)
	require.Equal(t, "shop.example", got.host)
	require.JSONEq(t, `{"id": 9007199254740993, "html": "<b>"}`, got.body)
	require.Contains(t, got.body, "9007199254740993")
	require.Equal(t, "3", got.header.Get("X-Count"))
	require.Equal(t, "true", got.header.Get("X-Deep"))
	require.Equal(t, "application/json", got.header.Get("Content-Type"))
	require.Equal(t, "Basic YW5hOnBhc3M6d29yZA==", got.header.Get("Authorization"))
	require.Equal(t, "fairlead/1.2.3", got.header.Get("User-Agent"))
	require.Equal(t, token, got.header.Get("Idempotency-Key"))
	require.Equal(t, 200, answer.Status)
	require.JSONEq(t, "null", string(answer.Body))
}

func TestRequestDefaultsGiveWayToHeaders(t *testing.T) {
	t.Parallel()
	url, got := listen(t)
	call(t, setup(t), url, map[string]any{
		"method": "PUT", "text": "<a/>",
		"headers": map[string]any{"idempotency-KEY": "mine", "content-type": "application/xml", "user-agent": "me"},
	})
	require.Equal(t, []string{"mine"}, got.header.Values("Idempotency-Key"))
	require.Equal(t, []string{"application/xml"}, got.header.Values("Content-Type"))
	require.Equal(t, "me", got.header.Get("User-Agent"))
	require.Equal(t, "<a/>", got.body)

	call(t, setup(t), url, map[string]any{"method": "POST", "json": nil})
	require.Equal(t, "null", got.body)
	call(t, setup(t), url, nil)
	require.Equal(t, "GET", got.method)
	require.Empty(t, got.body)
}

func TestRequestRefused(t *testing.T) {
	t.Parallel()
	action := setup(t)
	basic := map[string]any{"basic": map[string]any{"user": "u", "password": "p"}}
	for name, test := range map[string]struct {
		url  string
		with map[string]any
		says string
	}{
		"relative":         {"/orders", nil, "absolute"},
		"no host":          {"http:///x", nil, "no host"},
		"other scheme":     {"file:///etc/passwd", nil, `"file"`},
		"bad port":         {"http://h:x/", nil, "invalid port"},
		"secret in a bad":  {"http://u:hun ter2@h\x7f/", nil, "can't be read"},
		"line break":       {"http://h", map[string]any{"headers": map[string]any{"X": "a\r\nY: b"}}, "headers.X"},
		"name":             {"http://h", map[string]any{"headers": map[string]any{"X Y": "a"}}, `"X Y"`},
		"our own header":   {"http://h", map[string]any{"headers": map[string]any{"content-length": 3}}, "leave it out"},
		"two auths":        {"http://h", map[string]any{"headers": map[string]any{"authorization": "x"}, "auth": basic}, "keep one"},
		"user and auth":    {"http://u:p@h", map[string]any{"auth": basic}, "keep one"},
		"token with break": {"http://h", map[string]any{"auth": map[string]any{"bearer": "a\nb"}}, "auth.bearer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failed, _ := fail(t.Context(), t, action, test.url, test.with)
			require.Equal(t, "invalid_request", failed.Code)
			require.False(t, failed.Retryable)
			require.Contains(t, failed.Message, test.says)
			require.NotContains(t, failed.Message, "hun")
		})
	}
}

func TestSecretsAreNotTold(t *testing.T) {
	t.Parallel()
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		user, password, _ := r.BasicAuth()
		_, _ = io.WriteString(w, user+" can't use "+password+" nor "+r.Header.Get("X-Api-Key")+" nor "+r.URL.Query().Get("access_token"))
	})
	url = strings.Replace(url, "http://", "http://ana:correct-horse@", 1)
	failed, told := fail(t.Context(), t, setup(t), url+"/p?access_token=battery-staple", map[string]any{
		"headers": map[string]any{"X-Api-Key": "tr0ub4dor"}, "query": map[string]any{"q": "private"},
	})
	require.Equal(t, "http_status", failed.Code)
	require.Contains(t, failed.Message, "ana can't use *** nor *** nor ***")
	for _, secret := range []string{"correct-horse", "battery-staple", "tr0ub4dor"} {
		require.NotContains(t, failed.Message+told.text(), secret)
		require.Contains(t, told.masked, secret)
	}
	require.NotContains(t, told.text(), "private")
	require.Contains(t, told.text(), "/p")
	require.Contains(t, told.text(), "access_token")
	require.Contains(t, told.text(), "X-Api-Key")
	require.Contains(t, told.text(), "status=403")
}
