package httpcall

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// ours are the headers that the connection itself needs; a step can't set them.
var ours = []string{"Connection", "Content-Length", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Expect", "Proxy-Connection"}

// request builds the request; its failure is invalid_request.
func (in *input) request(ctx context.Context, token, userAgent string) (*http.Request, error) {
	body, contentType := in.body()
	req, err := http.NewRequestWithContext(ctx, in.Method, in.url.String(), body)
	if err != nil {
		return nil, failed("invalid_request", "the request can't be made of method and url")
	}
	req.URL.RawQuery = in.rawQuery()
	if err := in.setHeaders(req); err != nil {
		return nil, failed("invalid_request", in.hide(err.Error()))
	}
	setDefault(req.Header, "User-Agent", userAgent)
	setDefault(req.Header, "Idempotency-Key", token)
	setDefault(req.Header, "Accept", "application/json, text/plain;q=0.9, */*;q=0.8")
	if contentType != "" {
		setDefault(req.Header, "Content-Type", contentType)
	}
	return req, nil
}

// body returns the request's body, nil for none, and its type.
func (in *input) body() (io.Reader, string) {
	switch {
	case in.JSON != nil:
		return bytes.NewReader(in.JSON), "application/json"
	case in.Text != nil:
		return strings.NewReader(*in.Text), "text/plain; charset=utf-8"
	default:
		return nil, ""
	}
}

// rawQuery is the URL's own query, as it was written, and the step's behind it.
func (in *input) rawQuery() string {
	parts := make([]string, 0, len(in.Query)+1)
	if in.url.RawQuery != "" {
		parts = append(parts, in.url.RawQuery)
	}
	for _, name := range sortedKeys(in.Query) {
		for _, value := range scalars(in.Query[name]) {
			parts = append(parts, url.QueryEscape(name)+"="+url.QueryEscape(value))
		}
	}
	return strings.Join(parts, "&")
}

func (in *input) setHeaders(req *http.Request) error {
	for _, name := range sortedKeys(in.Headers) {
		value := scalar(in.Headers[name])
		canonical := http.CanonicalHeaderKey(name)
		switch {
		case !httpguts.ValidHeaderFieldName(name):
			return fmt.Errorf("headers: %q can't be a header's name", in.line(name, 80))
		case !httpguts.ValidHeaderFieldValue(value):
			return fmt.Errorf("headers.%s: a header's value can't hold line breaks or control characters", name)
		case slices.Contains(ours, canonical):
			return fmt.Errorf("headers.%s: the connection sets that header itself; leave it out", name)
		case canonical == "Authorization" && in.Auth != nil:
			return fmt.Errorf("headers.%s: there is auth too; keep one of them", name)
		case canonical == "Host":
			req.Host = value
		default:
			req.Header.Add(name, value)
		}
	}
	switch {
	case in.Auth == nil:
	case in.Auth.Basic != nil:
		req.SetBasicAuth(in.Auth.Basic.User, in.Auth.Basic.Password)
	case !httpguts.ValidHeaderFieldValue(in.Auth.Bearer):
		return fmt.Errorf("auth.bearer: a token can't hold line breaks or control characters")
	default:
		req.Header.Set("Authorization", "Bearer "+in.Auth.Bearer)
	}
	return nil
}

// setDefault sets a header that the step left open.
func setDefault(header http.Header, name, value string) {
	if _, set := header[http.CanonicalHeaderKey(name)]; !set {
		header.Set(name, value)
	}
}

// headerNames are the names of a request's headers, in order: values stay untold.
func headerNames(header http.Header) []string {
	names := make([]string, 0, len(header))
	for name := range header {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
