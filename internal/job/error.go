package job

import (
	"errors"
	"fmt"
	"strings"
)

// Code names a kind of error, stably: clients and retry rules match on it.
type Code string

// The codes that Fairlead itself gives. An action's failure may carry others
// (see [Failure]).
const (
	CodeInvalidDefinition   Code = "invalid_definition"   // a job file that breaks its grammar or meaning
	CodeInvalidInput        Code = "invalid_input"        // a run's input breaks the job's schema
	CodeMalformed           Code = "malformed"            // a body, parameter or identifier that can't be read
	CodeTooLarge            Code = "too_large"            // over a documented size limit
	CodeUnsupportedType     Code = "unsupported_type"     // a Content-Type that the route doesn't take
	CodeUnauthenticated     Code = "unauthenticated"      // no token, or one that isn't valid
	CodeForbidden           Code = "forbidden"            // the caller's role doesn't allow it
	CodeNotFound            Code = "not_found"            // there is none, or it is another team's
	CodeConflict            Code = "conflict"             // the thing's state doesn't allow it
	CodeIdempotencyMismatch Code = "idempotency_mismatch" // the same Idempotency-Key with another body
	CodeUnknownVariable     Code = "unknown_variable"     // the job names a team variable that there is none of
	CodeStale               Code = "stale"                // the thing is not any more what If-Match or If-None-Match says
	CodeUnconditional       Code = "unconditional"        // a change that says not what it changes (If-Match)
	CodeGone                Code = "gone"                 // it was there, and is over
	CodeUnavailable         Code = "unavailable"          // a part Fairlead needs is away; try again
	CodeInternal            Code = "internal"             // a defect of ours
)

// Error is Fairlead's one error type. Message says what to do about it and is
// safe to show to a caller; the wrapped cause is for logs only.
type Error struct {
	Code    Code
	Message string
	// Fields are the places at fault, when it is a document that is wrong.
	Fields []Field
	cause  error
}

// Field is one problem in a document.
type Field struct {
	// Pointer is the JSON pointer (RFC 6901) of the value at fault; "" is the whole document.
	Pointer string `json:"pointer"`
	// Line and Column are 1-based; 0 where the document has no lines (a JSON body's value).
	Line   int `json:"line,omitempty"`
	Column int `json:"column,omitempty"`
	// Message says what was found, what is allowed, and the way out.
	Message string `json:"message"`
}

// Errorf returns an error of a code without a cause. The whole text is shown to
// callers, so it takes no %w: [Wrap] has a cause.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Wrap returns an error of a code whose message hides cause; [errors.Is] and [errors.As] still find it.
func Wrap(code Code, cause error, message string) *Error {
	return &Error{Code: code, Message: message, cause: cause}
}

// Error returns the code, the message and every field, one a line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(string(e.Code))
	b.WriteString(": ")
	b.WriteString(e.Message)
	for _, field := range e.Fields {
		b.WriteString("\n  ")
		b.WriteString(field.String())
	}
	if e.cause != nil && !strings.Contains(e.Message, e.cause.Error()) {
		b.WriteString(": ")
		b.WriteString(e.cause.Error())
	}
	return b.String()
}

// String is "line:column: pointer: message", without the parts that are not known.
func (f Field) String() string {
	var b strings.Builder
	if f.Line > 0 {
		fmt.Fprintf(&b, "%d:%d: ", f.Line, f.Column)
	}
	if f.Pointer != "" {
		b.WriteString(f.Pointer)
		b.WriteString(": ")
	}
	b.WriteString(f.Message)
	return b.String()
}

// Unwrap returns the cause, or nil.
func (e *Error) Unwrap() error { return e.cause }

// CodeOf returns err's code: "" for nil, CodeInternal for an error that isn't ours.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return CodeInternal
}
