package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/fairlead/fairlead/gateway/api"
	"github.com/fairlead/fairlead/internal/job"
)

// Refused is an answer that says no: the gateway's problem, or the same found offline.
type Refused struct {
	api.Problem
	// File is the document that the places are in, "" when it is the request itself.
	File string
	// Line is added to every place's: how many lines of the file stand before the document.
	Line int
}

// Error is the problem's code, its detail or how many places are at fault, and the ID
// that finds it in the service's log.
func (r *Refused) Error() string {
	var b strings.Builder
	if r.File != "" {
		b.WriteString(r.File + ": ")
	}
	detail := r.Detail
	switch len(r.Errors) {
	case 0:
	case 1:
		detail = "1 problem"
	default:
		detail = strconv.Itoa(len(r.Errors)) + " problems"
	}
	fmt.Fprintf(&b, "%s: %s", r.Code, detail)
	if r.RequestId != "" {
		fmt.Fprintf(&b, " (request %s)", r.RequestId)
	}
	return b.String()
}

// places are the places at fault, one a line, as "file:line:column: message".
func (r *Refused) places() []string {
	lines := make([]string, 0, len(r.Errors))
	for _, place := range r.Errors {
		lines = append(lines, at(r.File, r.Line, place))
	}
	return lines
}

// at is "file:line:column: message"; the pointer stands in for a line that is not known.
func at(file string, above int, place api.Place) string {
	var parts []string
	if file != "" {
		parts = append(parts, file)
	}
	if place.Line > 0 {
		parts = append(parts, fmt.Sprintf("%d:%d", place.Line+above, place.Column))
	} else if place.Pointer != "" {
		parts = append(parts, " "+place.Pointer)
	}
	return strings.TrimSpace(strings.Join(append(parts, " "+place.Message), ":"))
}

// offline is the problem that the gateway would have answered, for an error of [job.Load].
func offline(file string, err error) error {
	invalid, ok := errors.AsType[*job.Error](err)
	if !ok {
		return err
	}
	refused := &Refused{File: file, Problem: api.Problem{Code: api.ProblemCode(invalid.Code), Detail: invalid.Message}}
	for _, field := range invalid.Fields {
		refused.Errors = append(refused.Errors, place(field))
	}
	return refused
}

func place(field job.Field) api.Place {
	return api.Place{Pointer: field.Pointer, Line: field.Line, Column: field.Column, Message: field.Message}
}

// answered is what the generated client makes of every answer.
type answered interface {
	GetBody() []byte
	StatusCode() int
	ContentType() string
}

// answer decodes a JSON answer into a T, or returns what went wrong.
func answer[T any, A answered](response A, err error) (T, error) {
	var value T
	if err != nil {
		return value, err
	}
	if err := refusal(response.StatusCode(), response.ContentType(), response.GetBody()); err != nil {
		return value, err
	}
	if err := json.Unmarshal(response.GetBody(), &value); err != nil {
		return value, errNotOurs
	}
	return value, nil
}

var errNotOurs = errors.New("what answers there does not speak Fairlead's API: is that the gateway's URL?")

// refusal returns the problem of an answer that is not a success.
func refusal(status int, contentType string, body []byte) error {
	if status < http.StatusMultipleChoices {
		return nil
	}
	kind, _, _ := mime.ParseMediaType(contentType)
	refused := &Refused{}
	if kind == "application/problem+json" && json.Unmarshal(body, &refused.Problem) == nil {
		return refused
	}
	return errNotOurs
}
