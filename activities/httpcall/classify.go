package httpcall

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"syscall"

	"github.com/fairlead/fairlead/activities"
)

// maxShown bounds, in characters, what a message shows of an answer.
const maxShown = 200

// classify turns the error of a request that got no answer into the step's failure.
func (in *input) classify(ctx context.Context, trace *trace, err error) error {
	if own, ok := errors.AsType[*activities.Failed](err); ok {
		return own
	}
	if ended := in.ended(ctx, "did not answer"); ended != nil {
		return ended
	}
	connected, answered, handshake := trace.reached()
	var (
		denied  *refused
		timeout net.Error
		opErr   *net.OpError
	)
	switch {
	case errors.As(err, &denied):
		return in.fail(err, "address_refused", false,
			fmt.Sprintf("may not be called: %s is not a public address; an operator can open its range with FAIRLEAD_HTTP_ALLOW", denied.address))
	case errors.As(err, &timeout) && timeout.Timeout():
		return in.fail(err, "timeout", true, "timed out: "+in.cause(err))
	case isTLS(err, handshake):
		return in.fail(err, "tls", false, "has no trustworthy TLS connection: "+in.cause(firstError(handshake, err)))
	case !connected:
		return in.fail(err, "connection", true, "could not connect: "+in.cause(err))
	case errors.As(err, &opErr):
		return in.fail(err, "connection", true, "lost its connection: "+in.cause(err))
	case !answered:
		return in.fail(err, "no_response", true, "got no response: the server closed the connection without one")
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return in.fail(err, "response_truncated", true, "got half a response: the server closed the connection inside the headers")
	default:
		return in.fail(err, "response_malformed", false, "answered something that is not HTTP: "+in.cause(err))
	}
}

// ended returns the error to give when ctx has ended, else nil.
func (in *input) ended(ctx context.Context, what string) error {
	switch {
	case ctx.Err() == nil:
		return nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return in.fail(ctx.Err(), "timeout", true, what+" within the step's timeout")
	default:
		return fmt.Errorf("%s %s: %w", in.Method, in.shown, ctx.Err())
	}
}

// fail is a failure that says which request met what.
func (in *input) fail(err error, code string, again bool, what string) *activities.Failed {
	failure := failed(code, fmt.Sprintf("%s %s %s", in.Method, in.shown, in.hide(what)))
	failure.Retryable, failure.Cause = again, err
	return failure
}

// isTLS reports whether the handshake failed, rather than the connection under it.
func isTLS(err, handshake error) bool {
	broken := func(err error) bool {
		return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
	}
	if handshake != nil {
		return !broken(handshake)
	}
	var (
		certificate *tls.CertificateVerificationError
		record      tls.RecordHeaderError
		alert       *net.OpError // crypto/tls reports an alert after the handshake as an operation of that name
	)
	return errors.As(err, &certificate) || errors.As(err, &record) ||
		errors.As(err, &alert) && (alert.Op == "remote error" || alert.Op == "local error")
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// cause is an error's text without the URL that [url.Error] puts before it.
func (in *input) cause(err error) string {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	return in.line(err.Error(), maxShown)
}
