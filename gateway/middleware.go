package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"runtime/debug"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/fairlead/fairlead/gateway/auth"
	"github.com/fairlead/fairlead/gateway/problem"
	"github.com/fairlead/fairlead/internal/job"
)

// requestHeader carries a request's ID, in and out.
const requestHeader = "X-Request-Id"

// requestIDForm is what a caller's own ID may be: it goes into our log.
var requestIDForm = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,128}$`)

// identify takes the caller's ID of the request, or makes one. From here on a
// body has a bounded time to arrive, whoever sends it: net/http reads what was
// left of it before it sends an answer, a refusal too.
func (s *server) identify(c *gin.Context) {
	if c.Request.ContentLength != 0 {
		_ = http.NewResponseController(c.Writer).SetReadDeadline(time.Now().Add(s.BodyTimeout)) // a test's recorder has none
	}
	id := c.GetHeader(requestHeader)
	if !requestIDForm.MatchString(id) {
		id = uuid.NewString()
	}
	c.Header(requestHeader, id)
}

// requestID is the ID that identify has set.
func requestID(c *gin.Context) string { return c.Writer.Header().Get(requestHeader) }

// access writes one line for every request; those of probes only at level debug.
func (s *server) access(c *gin.Context) {
	began := time.Now()
	defer func() { s.logAccess(c, began) }() // also when the answer is broken off
	c.Next()
}

func (s *server) logAccess(c *gin.Context, began time.Time) {
	level := slog.LevelInfo
	route := c.FullPath()
	if route == "/health" || route == "/ready" {
		level = slog.LevelDebug
	}
	s.Log.LogAttrs(c, level, "request",
		slog.String("request_id", requestID(c)), slog.String("method", c.Request.Method), slog.String("route", route),
		slog.Int("status", c.Writer.Status()), slog.Int("bytes", max(0, c.Writer.Size())),
		slog.Duration("took", time.Since(began)), slog.String("client", c.ClientIP()),
		slog.String("subject", auth.From(c.Request.Context()).Subject), slog.String("team", c.Param("team")), slog.String("run", c.Param("run")))
}

// recover turns a panic into an internal error; an answer that has begun is broken off.
func (s *server) recover(c *gin.Context) {
	defer func() {
		caught := recover()
		if caught == nil {
			return
		}
		if err, ok := caught.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(http.ErrAbortHandler) // net/http's own way to break an answer off
		}
		s.breakOff(c, fmt.Errorf("panic: %v\n%s", caught, debug.Stack()))
		c.Abort()
	}()
	c.Next()
}

// secure sets the headers that tell browsers to expect nothing but data.
func secure(c *gin.Context) {
	header := c.Writer.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", "DENY")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	header.Set("Cache-Control", "no-store")
}

// fail answers with the problem that err is, and logs what the answer doesn't say.
func (s *server) fail(c *gin.Context, err error) {
	c.Abort()
	switch job.CodeOf(err) {
	case job.CodeInternal:
		s.Log.ErrorContext(c, "request failed", "request_id", requestID(c), "route", c.FullPath(), "error", err)
	case job.CodeUnavailable:
		if !errors.Is(err, context.Canceled) {
			s.Log.WarnContext(c, "a part is away", "request_id", requestID(c), "route", c.FullPath(), "error", err)
		}
	default:
	}
	if err := problem.Write(c.Writer, c.Request, requestID(c), err); err != nil {
		s.Log.DebugContext(c, "the answer didn't reach the caller", "request_id", requestID(c), "error", err)
	}
}

// refuse answers a request that the generated code couldn't read. What it says
// is in words of ours: the guard has checked the request before.
func (s *server) refuse(c *gin.Context, err error) {
	s.fail(c, job.Wrap(job.CodeMalformed, err, "the request's parameters or body can't be read; /openapi.json says what they may be"))
}

// breakOff is for an error after the answer may have begun: then all that can be
// done is to end the connection, so that the caller doesn't take it for complete.
func (s *server) breakOff(c *gin.Context, err error) {
	if !c.Writer.Written() {
		s.fail(c, err)
		return
	}
	if c.Request.Context().Err() == nil {
		s.Log.ErrorContext(c, "answer broken off", "request_id", requestID(c), "route", c.FullPath(), "error", err)
	}
	panic(http.ErrAbortHandler) // net/http's own way to break an answer off
}

func methodNotAllowed(allowed string) error {
	return job.Errorf(problem.CodeMethodNotAllowed, "this path has no such method; allowed: %s", allowed)
}
