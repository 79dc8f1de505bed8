package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/fairlead/fairlead/internal/store/internal/db"
)

// statementTimeout bounds every statement, the wait for a connection included: a database
// that takes connections and answers nothing holds no caller for longer. A statement that
// runs out of it closes its connection, so that the pool makes a new one.
const statementTimeout = 4 * time.Second

// bounded is a pool whose statements all have a bounded time.
type bounded struct {
	pool  *pgxpool.Pool
	limit time.Duration
}

var _ db.DBTX = bounded{}

// Exec implements [db.DBTX].
func (b bounded) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	ctx, cancel := context.WithTimeout(ctx, b.limit)
	defer cancel()
	return b.pool.Exec(ctx, sql, args...)
}

// Query implements [db.DBTX].
func (b bounded) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	ctx, cancel := context.WithTimeout(ctx, b.limit)
	rows, err := b.pool.Query(ctx, sql, args...)
	if err != nil {
		cancel()
		return nil, err
	}
	return boundedRows{rows, cancel}, nil
}

// QueryRow implements [db.DBTX].
func (b bounded) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	ctx, cancel := context.WithTimeout(ctx, b.limit)
	return boundedRow{b.pool.QueryRow(ctx, sql, args...), cancel}
}

// SendBatch implements [db.DBTX].
func (b bounded) SendBatch(ctx context.Context, batch *pgx.Batch) pgx.BatchResults {
	ctx, cancel := context.WithTimeout(ctx, b.limit)
	return boundedBatch{b.pool.SendBatch(ctx, batch), cancel}
}

// boundedRows end their time when they are closed.
type boundedRows struct {
	pgx.Rows

	cancel context.CancelFunc
}

// Close implements [pgx.Rows].
func (r boundedRows) Close() {
	r.Rows.Close()
	r.cancel()
}

// boundedRow ends its time when it was read.
type boundedRow struct {
	row    pgx.Row
	cancel context.CancelFunc
}

// Scan implements [pgx.Row].
func (r boundedRow) Scan(dest ...any) error {
	defer r.cancel()
	return r.row.Scan(dest...)
}

// boundedBatch ends its time when it is closed.
type boundedBatch struct {
	pgx.BatchResults

	cancel context.CancelFunc
}

// Close implements [pgx.BatchResults].
func (b boundedBatch) Close() error {
	defer b.cancel()
	return b.BatchResults.Close()
}
