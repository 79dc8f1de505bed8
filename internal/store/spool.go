package store

import (
	"context"

	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/store/internal/db"
)

// spoolBytes is the most that the spool takes: logs of an S3 outage, not an archive.
const spoolBytes = 1 << 30

// Spool keeps an object that S3 did not take until it does. CodeUnavailable: the spool is full.
func (s *Store) Spool(ctx context.Context, team, key string, body []byte) error {
	kept, err := s.queries.InsertSpool(ctx, db.InsertSpoolParams{Key: key, Team: team, Body: body, MaxBytes: spoolBytes})
	if err != nil {
		return failed("spool a log", err)
	}
	if kept == 0 {
		return job.Errorf(job.CodeUnavailable, "S3 is away, and the log spool is full")
	}
	return nil
}

// SpooledKeys lists the keys that begin with prefix and come after another one, in order.
func (s *Store) SpooledKeys(ctx context.Context, prefix, after string, limit int) ([]string, error) {
	keys, err := s.queries.SpooledKeys(ctx, db.SpooledKeysParams{
		Prefix: prefix, After: after, Max: int32(pageLimit(limit)), //nolint:gosec // at most MaxLimit
	})
	return keys, failed("list the log spool", err)
}

// Spooled returns a spooled object. CodeNotFound once it was removed.
func (s *Store) Spooled(ctx context.Context, key string) ([]byte, error) {
	body, err := s.queries.SpooledBody(ctx, key)
	if err != nil {
		return nil, found("read the log spool", err, "%q is not in the log spool", key)
	}
	return body, nil
}

// Unspool removes a spooled object; one that is gone is no error.
func (s *Store) Unspool(ctx context.Context, key string) error {
	return failed("remove from the log spool", s.queries.DeleteSpooled(ctx, key))
}
