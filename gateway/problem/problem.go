// Package problem writes errors as application/problem+json (RFC 9457).
package problem

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/fairlead/fairlead/gateway/api"
	"github.com/fairlead/fairlead/internal/job"
)

// CodeMethodNotAllowed is the one code that only the gateway gives: the path has no such method.
const CodeMethodNotAllowed job.Code = "method_not_allowed"

const (
	// ContentType is a problem's.
	ContentType = "application/problem+json"
	// retryAfter is how many seconds a caller is told to wait for a part that is away.
	retryAfter = 5
	typePrefix = "urn:fairlead:problem:"
	realm      = `Bearer realm="fairlead"`
)

// kind is what a code means in HTTP.
type kind struct {
	status int
	title  string
}

// kindOf is the table of codes; one that isn't in it is internal.
func kindOf(code job.Code) kind {
	switch code {
	case job.CodeMalformed:
		return kind{http.StatusBadRequest, "Malformed request"}
	case job.CodeUnauthenticated:
		return kind{http.StatusUnauthorized, "Not authenticated"}
	case job.CodeForbidden:
		return kind{http.StatusForbidden, "Not allowed"}
	case job.CodeNotFound:
		return kind{http.StatusNotFound, "Not found"}
	case CodeMethodNotAllowed:
		return kind{http.StatusMethodNotAllowed, "Method not allowed"}
	case job.CodeConflict:
		return kind{http.StatusConflict, "Conflict"}
	case job.CodeGone:
		return kind{http.StatusGone, "Gone"}
	case job.CodeStale:
		return kind{http.StatusPreconditionFailed, "Changed meanwhile"}
	case job.CodeUnconditional:
		return kind{http.StatusPreconditionRequired, "Condition needed"}
	case job.CodeTooLarge:
		return kind{http.StatusRequestEntityTooLarge, "Too large"}
	case job.CodeUnsupportedType:
		return kind{http.StatusUnsupportedMediaType, "Unsupported content type"}
	case job.CodeInvalidDefinition:
		return kind{http.StatusUnprocessableEntity, "Invalid definition"}
	case job.CodeInvalidInput:
		return kind{http.StatusUnprocessableEntity, "Invalid input"}
	case job.CodeUnknownVariable:
		return kind{http.StatusUnprocessableEntity, "Unknown variable"}
	case job.CodeIdempotencyMismatch:
		return kind{http.StatusUnprocessableEntity, "Idempotency-Key used before"}
	case job.CodeUnavailable:
		return kind{http.StatusServiceUnavailable, "Service unavailable"}
	case job.CodeInternal:
	// A run's, never a request's.
	case job.CodeExpression, job.CodeItemsFailed, job.CodeForeachIn, job.CodeForeachKey, job.CodeForeachSize, job.CodeWaitUntil, job.CodeTooManyCalls:
	}
	return kind{http.StatusInternalServerError, "Internal error"}
}

// Of makes err a problem. Nothing of an error that isn't a [job.Error], or whose
// code is internal, is shown.
func Of(err error, path, requestID string) api.Problem {
	e := new(job.Error)
	if !errors.As(err, &e) || kindOf(e.Code).status == http.StatusInternalServerError {
		e = job.Errorf(job.CodeInternal, "this is a defect of ours: report it with the request's ID")
	}
	k := kindOf(e.Code)
	return api.Problem{
		Type: typePrefix + string(e.Code), Title: k.title, Status: k.status, Code: api.ProblemCode(e.Code),
		Detail: e.Message, Instance: path, Errors: Places(e.Fields), RequestId: requestID,
	}
}

// Places are the fields of an error; nil for none.
func Places(fields []job.Field) []api.Place {
	if len(fields) == 0 {
		return nil
	}
	places := make([]api.Place, len(fields))
	for i, field := range fields {
		places[i] = api.Place{Pointer: field.Pointer, Line: field.Line, Column: field.Column, Message: field.Message}
	}
	return places
}

// Write answers with the problem that err is.
func Write(w http.ResponseWriter, r *http.Request, requestID string, err error) error {
	p := Of(err, r.URL.Path, requestID)
	return WriteBody(w, p.Status, challenge(p, r), p)
}

// WriteBody answers with a problem that may have members of its own.
// wwwAuthenticate is the challenge of a 401, else "".
func WriteBody(w http.ResponseWriter, status int, wwwAuthenticate string, body any) error {
	var raw bytes.Buffer
	encoder := json.NewEncoder(&raw)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(body); err != nil {
		return err
	}
	header := w.Header()
	header.Set("Content-Type", ContentType)
	if status == http.StatusServiceUnavailable {
		header.Set("Retry-After", strconv.Itoa(retryAfter))
	}
	if wwwAuthenticate != "" {
		header.Set("WWW-Authenticate", wwwAuthenticate)
	}
	w.WriteHeader(status)
	_, err := raw.WriteTo(w)
	return err
}

// challenge is the WWW-Authenticate header of a 401 (RFC 6750, section 3).
func challenge(p api.Problem, r *http.Request) string {
	switch {
	case p.Status != http.StatusUnauthorized:
		return ""
	case r.Header.Get("Authorization") == "":
		return realm
	}
	return realm + `, error="invalid_token", error_description=` + strconv.QuoteToASCII(p.Detail)
}
