package gateway

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/fairlead/fairlead/gateway/auth"
	"github.com/fairlead/fairlead/gateway/contract"
	"github.com/fairlead/fairlead/internal/job"
)

const (
	// maxBody is the most bytes of a JSON body; definitions have [job.MaxSource].
	maxBody = 2 << 20
	// maxCallback is the most bytes of a callback's body, maxVariable of a variable's.
	maxCallback = 256 << 10
	maxVariable = 64 << 10

	yamlType = "application/yaml"
	jsonType = "application/json"
)

// guard lets a request through to its operation: whose it is, whether its
// caller may, whether it is what the REST document says, in this order.
func (s *server) guard(c *gin.Context) {
	operation := s.contract.Operation(c.Request.Method, c.FullPath())
	if operation == nil {
		s.fail(c, fmt.Errorf("%s %s is a route, but not in the REST document", c.Request.Method, c.FullPath()))
		return
	}
	for _, check := range []func(*gin.Context, *contract.Operation) error{s.authenticate, s.authorize, checkParameters, takeBody} {
		if err := check(c, operation); err != nil {
			s.fail(c, err)
			return
		}
	}
}

// signedIn lets every caller through who has a valid token.
func (s *server) signedIn(c *gin.Context) {
	if err := s.identifyCaller(c); err != nil {
		s.fail(c, err)
	}
}

func (s *server) authenticate(c *gin.Context, operation *contract.Operation) error {
	if operation.Open {
		return nil
	}
	return s.identifyCaller(c)
}

func (s *server) identifyCaller(c *gin.Context) error {
	caller, err := s.Auth.Caller(c.Request.Context(), c.GetHeader("Authorization"))
	if err != nil {
		return err
	}
	c.Request = c.Request.WithContext(auth.With(c.Request.Context(), caller))
	return nil
}

// authorize compares the caller's role with the one that the operation needs in
// the team that it is about. A team that the caller isn't in isn't there.
func (s *server) authorize(c *gin.Context, operation *contract.Operation) error {
	if operation.Open {
		return nil
	}
	if fields := operation.CheckPath(c.Param); len(fields) > 0 {
		return malformed(fields)
	}
	needed, ok := auth.Needed(operation.ID)
	if !ok {
		return fmt.Errorf("no role is set for the operation %s", operation.ID)
	}
	if needed == auth.None {
		return nil
	}
	caller := auth.From(c.Request.Context())
	team, absent, err := s.teamOf(c, operation)
	if err != nil {
		return err
	}
	switch role := caller.Teams[team]; {
	case role == auth.None:
		return absent
	case role < needed:
		return job.Errorf(job.CodeForbidden, "%s needs the role %s in team %s; yours is %s", operation.ID, needed, team, role)
	}
	return nil
}

// teamOf returns the team that the request is about, and the error that says that it isn't there.
func (s *server) teamOf(c *gin.Context, operation *contract.Operation) (team string, absent, err error) {
	if operation.Has("team") {
		team = c.Param("team")
		return team, job.Errorf(job.CodeNotFound, "there is no team %q, or you aren't in it", team), nil
	}
	run := c.Param("run")
	absent = job.Errorf(job.CodeNotFound, "there is no run %q", run)
	if !job.ValidRunID(run) {
		return "", nil, absent
	}
	state, err := s.Runs.RunState(c.Request.Context(), run)
	if job.CodeOf(err) == job.CodeNotFound {
		err = absent
	}
	return state.Team, absent, err
}

func checkParameters(c *gin.Context, operation *contract.Operation) error {
	query, err := url.ParseQuery(c.Request.URL.RawQuery)
	if err != nil {
		return job.Wrap(job.CodeMalformed, err, "the query can't be read: it must be NAME=VALUE, joined with &, in percent encoding")
	}
	return malformed(append(operation.CheckQuery(query), operation.CheckHeader(c.Request.Header)...))
}

// malformed is the error of a request with these problems; nil without any.
func malformed(fields []job.Field) error {
	if len(fields) == 0 {
		return nil
	}
	return &job.Error{Code: job.CodeMalformed, Message: summary("the request", fields), Fields: fields}
}

// summary says how many problems there are and what the first is.
func summary(what string, fields []job.Field) string {
	if len(fields) == 1 {
		return fmt.Sprintf("%s has 1 problem: %s", what, fields[0])
	}
	return fmt.Sprintf("%s has %d problems, the first: %s", what, len(fields), fields[0])
}

// takeBody reads the body whole and leaves it for the operation.
func takeBody(c *gin.Context, operation *contract.Operation) error {
	if len(operation.Types) == 0 {
		return nil
	}
	raw, err := readBody(c, limitOf(operation))
	if err != nil {
		return err
	}
	if len(raw) == 0 {
		if operation.BodyRequired {
			return job.Errorf(job.CodeMalformed, "there is no body: send %s", strings.Join(operation.Types, " or "))
		}
		return nil
	}
	if err := checkType(c, operation); err != nil {
		return err
	}
	if isDocument(operation) {
		// Bytes for the job language, which reads JSON too; not for a decoder that loses lines and digits.
		c.Request.Header.Set("Content-Type", yamlType)
	} else if err := checkJSON(raw, operation); err != nil {
		return err
	}
	c.Request.Body, c.Request.ContentLength = io.NopCloser(bytes.NewReader(raw)), int64(len(raw))
	return nil
}

// isDocument reports whether the body is a job file.
func isDocument(operation *contract.Operation) bool {
	return slices.Contains(operation.Types, yamlType)
}

func limitOf(operation *contract.Operation) int64 {
	switch operation.ID {
	case "postCallback":
		return maxCallback
	case "putVariable":
		return maxVariable
	}
	if isDocument(operation) {
		return job.MaxSource
	}
	return maxBody
}

func readBody(c *gin.Context, limit int64) ([]byte, error) {
	tooLarge := job.Errorf(job.CodeTooLarge, "the body is over %d bytes, the most that this route takes", limit)
	if c.Request.ContentLength > limit {
		return nil, tooLarge
	}
	raw, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, limit))
	if over := new(http.MaxBytesError); errors.As(err, &over) {
		return nil, tooLarge
	}
	if err != nil {
		return nil, job.Wrap(job.CodeMalformed, err, "the body ended before its end, or took too long")
	}
	_ = http.NewResponseController(c.Writer).SetReadDeadline(time.Time{}) // the operation may take longer than the body
	return raw, nil
}

func checkType(c *gin.Context, operation *contract.Operation) error {
	if encoding := c.GetHeader("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return job.Errorf(job.CodeUnsupportedType, "Content-Encoding is `%s`; send the body as it is", contract.Shorten(encoding))
	}
	given := c.GetHeader("Content-Type")
	kind, parameters, err := mime.ParseMediaType(given)
	if err != nil || !slices.Contains(operation.Types, kind) {
		return job.Errorf(job.CodeUnsupportedType, "Content-Type is `%s`; send %s", contract.Shorten(given), strings.Join(operation.Types, " or "))
	}
	if charset := parameters["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") {
		return job.Errorf(job.CodeUnsupportedType, "the charset is `%s`; send UTF-8", contract.Shorten(charset))
	}
	return nil
}
