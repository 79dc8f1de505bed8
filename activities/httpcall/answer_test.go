package httpcall_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// answering serves one answer.
func answering(t *testing.T, status int, header map[string]string, body string) string {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, _ *http.Request) {
		for name, value := range header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
}

func zipped(t *testing.T, body io.Reader) string {
	t.Helper()
	var out bytes.Buffer
	writer := gzip.NewWriter(&out)
	_, err := io.Copy(writer, body)
	require.NoError(t, err)
	require.NoError(t, writer.Close())
	return out.String()
}

func TestBodyIsAValue(t *testing.T) {
	t.Parallel()
	action := setup(t)
	for name, test := range map[string]struct {
		header map[string]string
		body   string
		want   string
	}{
		"json":           {map[string]string{"Content-Type": "application/json"}, `{"id": 9007199254740993, "x": 1.50}`, `{"id":9007199254740993,"x":1.50}`},
		"json suffix":    {map[string]string{"Content-Type": "application/problem+json; charset=utf-8"}, `[1]`, `[1]`},
		"json with mark": {map[string]string{"Content-Type": "application/json"}, "\xef\xbb\xbf{}", `{}`},
		"empty json":     {map[string]string{"Content-Type": "application/json"}, " \n", `null`},
		"text":           {map[string]string{"Content-Type": "text/plain"}, `{"a": <1>}`, `"{\"a\": <1>}"`},
		"xml":            {map[string]string{"Content-Type": "application/xml"}, `<a/>`, `"<a/>"`},
		"no type":        {map[string]string{"Content-Type": ""}, `ok`, `"ok"`},
		"any type, json": {map[string]string{"Content-Type": "*"}, `{"a": 1}`, `{"a":1}`},
		"any type, text": {map[string]string{"Content-Type": "*"}, `{"a": 1`, `"{\"a\": 1"`},
		"latin1":         {map[string]string{"Content-Type": "text/plain; charset=ISO-8859-1"}, "caf\xe9", `"café"`},
		"gzip":           {map[string]string{"Content-Type": "application/json", "Content-Encoding": "gzip"}, zipped(t, strings.NewReader(`{"z":1}`)), `{"z":1}`},
		"empty":          {nil, "", `null`},
		"empty html":     {map[string]string{"Content-Type": "text/html"}, "", `null`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, told := call(t, action, answering(t, 200, test.header, test.body), nil)
			require.Equal(t, test.want, string(got.Body))
			require.Equal(t, 200, got.Status)
			require.NotContains(t, got.Headers, "content-encoding")
			require.Contains(t, told.text(), "status=200")
		})
	}
}

func TestGzipThatTheStepAskedForItself(t *testing.T) {
	t.Parallel()
	url := answering(t, 200, map[string]string{"Content-Type": "text/plain", "Content-Encoding": "gzip"}, zipped(t, strings.NewReader("hello")))
	got, _ := call(t, setup(t), url, map[string]any{"headers": map[string]any{"Accept-Encoding": "gzip"}})
	require.Equal(t, `"hello"`, string(got.Body))
}

func TestHTMLOnlyWhenTheStepAcceptsIt(t *testing.T) {
	t.Parallel()
	action := setup(t)
	url := answering(t, 200, map[string]string{"Content-Type": "text/html; charset=utf-8"}, "\n<!doctype html>\n<title>Sign in</title>")
	failed, _ := fail(t.Context(), t, action, url+"/api", nil)
	require.Equal(t, "response_html", failed.Code)
	require.False(t, failed.Retryable)
	require.Contains(t, failed.Message, "HTML page")
	require.Contains(t, failed.Message, "<!doctype html>")
	require.Contains(t, failed.Message, "headers.Accept")

	got, _ := call(t, action, url, map[string]any{"headers": map[string]any{"accept": "text/html"}})
	require.Contains(t, string(got.Body), "<title>Sign in</title>")
}

func TestHeadAndNoContent(t *testing.T) {
	t.Parallel()
	action := setup(t)
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("X-A", "1")
		w.Header().Add("X-A", "2")
		w.Header().Set("Content-Length", "10737418240")
		w.Header().Set("Content-Type", "application/json")
		if r.Method == http.MethodDelete {
			w.Header().Del("Content-Length")
			w.WriteHeader(http.StatusNoContent)
		}
	})
	got, _ := call(t, action, url, map[string]any{"method": "HEAD"})
	require.Equal(t, "null", string(got.Body))
	require.Equal(t, "1, 2", got.Headers["x-a"])
	got, _ = call(t, action, url, map[string]any{"method": "DELETE"})
	require.Equal(t, 204, got.Status)
	require.Equal(t, "null", string(got.Body))
}

func TestBoundIsExact(t *testing.T) {
	t.Parallel()
	action := setup(t)
	url := answering(t, 200, map[string]string{"Content-Type": "text/plain"}, strings.Repeat("x", 1000))
	got, _ := call(t, action, url, map[string]any{"maxBytes": 1000})
	require.Len(t, string(got.Body), 1002)
	failed, _ := fail(t.Context(), t, action, url, map[string]any{"maxBytes": 999})
	require.Equal(t, "response_too_large", failed.Code)
	require.Contains(t, failed.Message, "more than 999 bytes")
}
