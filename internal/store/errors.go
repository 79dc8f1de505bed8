package store

import (
	"context"
	"errors"
	"io"
	"net"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/fairlead/fairlead/internal/job"
)

// SQLSTATEs and classes (their first two characters) that mean something to a
// caller: https://www.postgresql.org/docs/current/errcodes-appendix.html
const (
	classConnection    = "08"
	classData          = "22" // a value Postgres can't hold, such as text with a zero byte
	classSyntax        = "42" // on connecting: a setting that Postgres doesn't know, or that we may not make
	classRollback      = "40" // serialization failure, deadlock
	classResources     = "53" // too many connections, disk full
	classIntervention  = "57" // shutting down, starting up, canceled
	readOnly           = "25006"
	foreignKeyMissing  = "23503"
	uniqueTaken        = "23505"
	unavailableMessage = "the database is not available: try again"
)

// failed turns what went wrong in op into a [job.Error]; nil stays nil.
func failed(op string, err error) error {
	if err == nil {
		return nil
	}
	if ours := new(job.Error); errors.As(err, &ours) {
		return err
	}
	if errors.Is(err, context.Canceled) {
		return job.Wrap(job.CodeUnavailable, err, op+" was canceled: try again")
	}
	if pg := new(pgconn.PgError); errors.As(err, &pg) {
		if !connecting(err) {
			return refused(op, pg)
		}
		if class := class(pg); class == classSyntax || class == classData {
			return job.Wrap(job.CodeInternal, err, "the database refuses a setting in its URL")
		}
	}
	if lost(err) {
		return job.Wrap(job.CodeUnavailable, err, unavailableMessage)
	}
	return job.Wrap(job.CodeInternal, err, op+" failed")
}

// refused maps what Postgres answered.
func refused(op string, pg *pgconn.PgError) error {
	switch pg.Code {
	case foreignKeyMissing:
		return job.Wrap(job.CodeNotFound, pg, "what this refers to is not there")
	case uniqueTaken:
		return job.Wrap(job.CodeConflict, pg, "there is one already")
	case readOnly:
		return job.Wrap(job.CodeUnavailable, pg, unavailableMessage)
	}
	switch class(pg) {
	case classConnection, classRollback, classResources, classIntervention:
		return job.Wrap(job.CodeUnavailable, pg, unavailableMessage)
	case classData:
		return job.Wrap(job.CodeMalformed, pg, "a value can't be stored: text must be UTF-8 without zero bytes")
	}
	return job.Wrap(job.CodeInternal, pg, op+" failed")
}

func class(pg *pgconn.PgError) string { return pg.Code[:min(2, len(pg.Code))] }

// connecting reports whether a connection could not be made. Unless it is for what its URL sets, the database is not available then.
func connecting(err error) bool {
	connect := new(pgconn.ConnectError)
	return errors.As(err, &connect)
}

// lost reports whether the connection is what failed, or time ran out waiting for one.
func lost(err error) bool {
	network := net.Error(nil)
	return connecting(err) || errors.As(err, &network) || pgconn.SafeToRetry(err) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, context.DeadlineExceeded)
}

// found turns "no rows" into CodeNotFound with a message, and any other error as [failed] does.
func found(op string, err error, format string, args ...any) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return job.Errorf(job.CodeNotFound, format, args...)
	}
	return failed(op, err)
}
