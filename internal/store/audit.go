package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/fairlead/fairlead/internal/store/internal/db"
)

// AuditEntry is one thing that someone did.
type AuditEntry struct {
	ID     int64 // grows with every entry
	At     time.Time
	Actor  string
	Action string // such as run.submit
	Target string
	Detail json.RawMessage
}

// Note keeps an entry of its own: of what is done elsewhere than in the database. ID and At are not read.
func (s *Store) Note(ctx context.Context, team string, entry AuditEntry) error {
	return failed("keep an audit entry", s.queries.InsertAudit(ctx, db.InsertAuditParams{
		Team: team, Actor: entry.Actor, Action: entry.Action, Target: entry.Target, Detail: notEmpty(entry.Detail),
	}))
}

// Audit lists a team's entries, newest first, beginning before the entry `before` (0 for the newest).
func (s *Store) Audit(ctx context.Context, team string, before int64, limit int) ([]AuditEntry, error) {
	rows, err := s.queries.ListAudit(ctx, db.ListAuditParams{
		Team: team, Before: before, Max: int32(pageLimit(limit)), //nolint:gosec // at most MaxLimit
	})
	if err != nil {
		return nil, failed("list the audit trail", err)
	}
	entries := make([]AuditEntry, len(rows))
	for i, row := range rows {
		entries[i] = AuditEntry{ID: row.ID, At: row.At.UTC(), Actor: row.Actor, Action: row.Action, Target: row.Target, Detail: row.Detail}
	}
	return entries, nil
}
