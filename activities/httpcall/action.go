// Package httpcall is the http action: one HTTP request, its answer read
// within a bound, and every way in which it can go wrong told in one line.
package httpcall

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/job"
)

// Options sets up the action.
type Options struct {
	// Version is Fairlead's, for the User-Agent; "" means "dev".
	Version string
	// Allow are the address ranges that may be called beside public ones; nil: none.
	Allow []netip.Prefix
	// Now tells the time for a Retry-After that is a date; nil means [time.Now].
	Now func() time.Time
}

// Times and sizes that a step doesn't choose. Its own timeout bounds the rest.
const (
	dialTimeout      = 10 * time.Second
	handshakeTimeout = 10 * time.Second
	idleTimeout      = 90 * time.Second
	idlePerHost      = 32
	maxHeaderBytes   = 64 << 10
	// writeBuffer is also how much of a body is sent in one write.
	writeBuffer = 16 << 10
)

// Action makes the requests of every step that uses http; they share one pool
// of connections. The zero value is not usable: see [New].
type Action struct {
	transport *http.Transport
	userAgent string
	now       func() time.Time
}

// New returns the http action.
func New(opts Options) *Action {
	if opts.Version == "" {
		opts.Version = "dev"
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second, Control: guard(opts.Allow)}
	return &Action{
		userAgent: "fairlead/" + opts.Version,
		now:       opts.Now,
		transport: &http.Transport{
			// A proxy would make the connection for us, past the guard.
			Proxy:                  nil,
			DialContext:            dialer.DialContext,
			ForceAttemptHTTP2:      true,
			TLSHandshakeTimeout:    handshakeTimeout,
			MaxIdleConnsPerHost:    idlePerHost,
			IdleConnTimeout:        idleTimeout,
			ExpectContinueTimeout:  time.Second,
			MaxResponseHeaderBytes: maxHeaderBytes,
			WriteBufferSize:        writeBuffer,
		},
	}
}

// Close gives up the connections that wait for another request.
func (a *Action) Close() { a.transport.CloseIdleConnections() }

// Do makes the request. Its failures: invalid_request, address_refused,
// connection, tls, timeout, no_response, too_many_redirects, redirect_refused,
// http_status, and those of an answer that can't be used: response_malformed,
// response_truncated, response_too_large, response_not_json,
// response_not_text, response_html. When ctx was canceled it returns ctx's error.
func (a *Action) Do(ctx context.Context, call activities.Call) (json.RawMessage, error) {
	in, err := parse(call.With, call.Template)
	if err != nil {
		return nil, err
	}
	for _, secret := range in.secrets {
		call.Log.Mask(secret)
	}
	trace := &trace{}
	req, err := in.request(trace.attach(ctx), call.Token, a.userAgent)
	if err != nil {
		return nil, err
	}
	call.Log.Log(slog.LevelInfo, "request", slog.String("method", req.Method), slog.String("url", in.shown),
		slog.Any("query", in.queryNames(req.URL.Query())), slog.Any("headers", headerNames(req.Header)), slog.Int64("bytes", req.ContentLength))

	start := time.Now()
	client := http.Client{Transport: a.transport, CheckRedirect: in.redirect(call.Log)}
	resp, err := client.Do(req)
	if err != nil {
		return nil, in.classify(ctx, trace, err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := in.read(ctx, resp, a.now)
	call.Log.Log(slog.LevelInfo, "response", slog.Int("status", resp.StatusCode), slog.Int("bytes", answer.size),
		slog.Int64("duration_ms", time.Since(start).Milliseconds()))
	if err != nil {
		return nil, err
	}
	return answer.output, nil
}

// failed is a failure that another try won't mend.
func failed(code, message string) *activities.Failed {
	return &activities.Failed{Failure: job.Failure{Code: code, Message: message}}
}
