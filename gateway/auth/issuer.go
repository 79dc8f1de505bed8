package auth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

// maxAnswer is the most bytes of an issuer's answer.
const maxAnswer = 1 << 20

// awayKey is where [keySet] tells that the issuer was away: go-oidc itself
// gives the same error for that as for a wrong signature.
type awayKey struct{}

// keySet tells an issuer that is away from a signature that is wrong.
type keySet struct{ remote oidc.KeySet }

// VerifySignature returns the token's payload if one of the issuer's keys signed it.
func (k *keySet) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	payload, err := k.remote.VerifySignature(ctx, token)
	if away := new(awayError); errors.As(err, &away) {
		if kept, ok := ctx.Value(awayKey{}).(*error); ok {
			*kept = away
		}
	}
	return payload, err
}

// awayError is the error of an issuer that gave no answer to use.
type awayError struct{ cause error }

func (e *awayError) Error() string { return "the issuer is away: " + e.cause.Error() }
func (e *awayError) Unwrap() error { return e.cause }

// issuerTransport asks the issuer for one document at most once in [issuerPause].
type issuerTransport struct {
	base http.RoundTripper

	mu   sync.Mutex
	kept map[string]keptAnswer
}

type keptAnswer struct {
	until  time.Time
	header http.Header
	body   []byte
	err    error
}

func newIssuerTransport(base http.RoundTripper) *issuerTransport {
	return &issuerTransport{base: base, kept: map[string]keptAnswer{}}
}

// RoundTrip answers from what it kept, or asks. Its error is an [awayError].
func (t *issuerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	answer, ok := t.kept[r.URL.String()]
	if !ok || time.Now().After(answer.until) {
		answer = t.ask(r)
		answer.until = time.Now().Add(issuerPause)
		t.kept[r.URL.String()] = answer
	}
	if answer.err != nil {
		return nil, &awayError{answer.err}
	}
	return &http.Response{
		Status: http.StatusText(http.StatusOK), StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: answer.header.Clone(), Body: io.NopCloser(bytes.NewReader(answer.body)), ContentLength: int64(len(answer.body)), Request: r,
	}, nil
}

func (t *issuerTransport) ask(r *http.Request) (answer keptAnswer) {
	response, err := t.base.RoundTrip(r)
	if err != nil {
		return keptAnswer{err: err}
	}
	defer func() { answer.err = errors.Join(answer.err, response.Body.Close()) }()
	if response.StatusCode != http.StatusOK {
		return keptAnswer{err: fmt.Errorf("%s answered %s", r.URL.Redacted(), response.Status)}
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	return keptAnswer{header: response.Header, body: body, err: err}
}
