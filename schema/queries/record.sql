-- name: Record :one
-- One round trip for a run and any of its steps, items and approvals. A row never
-- changes for a smaller rev, nor an ended one to another end, but for what had
-- succeeded and was compensated. For the same rev the last record stands: a workflow
-- task that is tried again may have seen more since, and says so under the number
-- that its first try used. A decision comes with its audit entry, both or neither, and
-- once (twice where two records of it come at the same instant). With the run's end, no item and no approval stays open that
-- the record doesn't name: a run that was stopped from outside can't tell.
-- Says whether the run exists.
WITH n AS (
    SELECT unnest(@step_ids::text[]) AS step, unnest(@positions::integer[]) AS position,
           unnest(@statuses::text[]) AS status, unnest(@reasons::text[]) AS reason,
           unnest(@attempts::integer[]) AS attempts, unnest(@outputs::bytea[]) AS output,
           unnest(@output_keys::text[]) AS output_key, unnest(@errors::text[]) AS error,
           unnest(@log_keys::text[]) AS log_key, unnest(@log_records::integer[]) AS log_records,
           unnest(@log_sha256s::text[]) AS log_sha256,
           unnest(@totals::integer[]) AS total, unnest(@succeeded::integer[]) AS succeeded, unnest(@failed::integer[]) AS failed,
           unnest(@starts::timestamptz[]) AS started_at, unnest(@ends::timestamptz[]) AS ended_at
), i AS (
    SELECT unnest(@item_steps::text[]) AS step, unnest(@item_keys::text[]) AS item, unnest(@item_positions::integer[]) AS position,
           unnest(@item_statuses::text[]) AS status, unnest(@item_reasons::text[]) AS reason,
           unnest(@item_attempts::integer[]) AS attempts, unnest(@item_errors::text[]) AS error,
           unnest(@item_log_keys::text[]) AS log_key, unnest(@item_log_records::integer[]) AS log_records,
           unnest(@item_log_sha256s::text[]) AS log_sha256,
           unnest(@item_starts::timestamptz[]) AS started_at, unnest(@item_ends::timestamptz[]) AS ended_at
), p AS (
    SELECT unnest(@approval_steps::text[]) AS step, unnest(@approval_items::text[]) AS item,
           unnest(@approval_approvers::text[]) AS approvers, unnest(@approval_messages::text[]) AS message,
           unnest(@approval_statuses::text[]) AS status,
           unnest(@approval_requests::timestamptz[]) AS requested_at, unnest(@approval_expiries::timestamptz[]) AS expires_at,
           unnest(@approval_deciders::text[]) AS decided_by, unnest(@approval_decisions::timestamptz[]) AS decided_at,
           unnest(@approval_comments::text[]) AS comment
), run_row AS (
    UPDATE runs SET
        rev = @rev, status = @status,
        started_at = coalesce(sqlc.narg(started_at), started_at),
        ended_at = coalesce(sqlc.narg(ended_at), ended_at),
        output = sqlc.narg(output), output_key = sqlc.narg(output_key), error = sqlc.narg(error), cleanup = sqlc.narg(cleanup),
        workflow_started_at = coalesce(workflow_started_at, now())
    WHERE runs.id = @run AND runs.rev <= @rev AND (runs.ended_at IS NULL OR runs.status = @status)
    RETURNING runs.id, runs.ended_at
), step_rows AS (
    INSERT INTO steps AS s (run, team, step, position, status, reason, attempts, output, output_key, error,
                            log_key, log_records, log_sha256, items_total, items_succeeded, items_failed, rev, started_at, ended_at)
    SELECT r.id, r.team, n.step, n.position, n.status, nullif(n.reason, ''), n.attempts,
           nullif(n.output, ''::bytea), nullif(n.output_key, ''), nullif(n.error, '')::json,
           nullif(n.log_key, ''), n.log_records, nullif(n.log_sha256, ''),
           nullif(n.total, -1), nullif(n.succeeded, -1), nullif(n.failed, -1), @rev, -- -1: no items
           nullif(n.started_at, '0001-01-01Z'::timestamptz), nullif(n.ended_at, '0001-01-01Z'::timestamptz) -- Go's zero time
    FROM runs r, n
    WHERE r.id = @run
    ON CONFLICT (run, step) DO UPDATE SET
        position = excluded.position, status = excluded.status, reason = excluded.reason, attempts = excluded.attempts,
        output = excluded.output, output_key = excluded.output_key, error = excluded.error,
        log_key = excluded.log_key, log_records = excluded.log_records, log_sha256 = excluded.log_sha256,
        items_total = excluded.items_total, items_succeeded = excluded.items_succeeded, items_failed = excluded.items_failed,
        rev = excluded.rev,
        started_at = coalesce(excluded.started_at, s.started_at), ended_at = coalesce(excluded.ended_at, s.ended_at)
    WHERE s.rev <= excluded.rev
      AND (s.ended_at IS NULL OR s.status = excluded.status OR s.status = 'succeeded' AND excluded.status = 'compensated')
), item_rows AS (
    INSERT INTO items AS s (run, team, step, item, position, status, reason, attempts, error,
                            log_key, log_records, log_sha256, rev, started_at, ended_at)
    SELECT r.id, r.team, i.step, i.item, i.position, i.status, nullif(i.reason, ''), i.attempts, nullif(i.error, '')::json,
           nullif(i.log_key, ''), i.log_records, nullif(i.log_sha256, ''), @rev,
           nullif(i.started_at, '0001-01-01Z'::timestamptz), nullif(i.ended_at, '0001-01-01Z'::timestamptz)
    FROM runs r, i
    WHERE r.id = @run
    ON CONFLICT (run, step, item) DO UPDATE SET
        position = excluded.position, status = excluded.status, reason = excluded.reason, attempts = excluded.attempts,
        error = excluded.error,
        log_key = excluded.log_key, log_records = excluded.log_records, log_sha256 = excluded.log_sha256,
        rev = excluded.rev,
        started_at = coalesce(excluded.started_at, s.started_at), ended_at = coalesce(excluded.ended_at, s.ended_at)
    WHERE s.rev <= excluded.rev
      AND (s.ended_at IS NULL OR s.status = excluded.status OR s.status = 'succeeded' AND excluded.status = 'compensated')
), approval_rows AS (
    INSERT INTO approvals AS s (run, team, job, step, item, approvers, message, status, requested_at, expires_at,
                                decided_by, decided_at, comment, rev)
    SELECT r.id, r.team, r.job, p.step, p.item, p.approvers::json, p.message, p.status, p.requested_at, p.expires_at,
           nullif(p.decided_by, ''), nullif(p.decided_at, '0001-01-01Z'::timestamptz), p.comment, @rev
    FROM runs r, p
    WHERE r.id = @run
    ON CONFLICT (run, step, item) DO UPDATE SET
        approvers = excluded.approvers, message = excluded.message, status = excluded.status,
        requested_at = excluded.requested_at, expires_at = excluded.expires_at,
        decided_by = excluded.decided_by, decided_at = excluded.decided_at, comment = excluded.comment, rev = excluded.rev
    WHERE s.rev <= excluded.rev AND (s.status = 'pending' OR s.status = excluded.status)
    RETURNING s.run, s.team, s.step, s.item, s.status, s.decided_by, s.comment
), audited AS (
    INSERT INTO audit (team, actor, action, target, detail)
    SELECT a.team, a.decided_by, 'approval.' || a.status, a.run,
           json_build_object('step', a.step, 'item', a.item, 'comment', a.comment)
    FROM approval_rows a
    WHERE a.decided_by IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM approvals b -- as it was before this statement
                      WHERE b.run = a.run AND b.step = a.step AND b.item = a.item AND b.status <> 'pending')
), open_items AS (
    UPDATE items SET status = 'canceled', rev = @rev, ended_at = e.ended_at
    FROM run_row e
    WHERE e.ended_at IS NOT NULL AND items.run = e.id AND items.ended_at IS NULL AND items.rev <= @rev
      AND NOT EXISTS (SELECT 1 FROM i WHERE i.step = items.step AND i.item = items.item)
), open_approvals AS (
    UPDATE approvals SET status = 'canceled', rev = @rev
    FROM run_row e
    WHERE e.ended_at IS NOT NULL AND approvals.run = e.id AND approvals.status = 'pending' AND approvals.rev <= @rev
      AND NOT EXISTS (SELECT 1 FROM p WHERE p.step = approvals.step AND p.item = approvals.item)
)
SELECT EXISTS (SELECT 1 FROM runs x WHERE x.id = @run);

-- name: RunOutcome :one
SELECT status, error FROM runs WHERE id = @run;

-- name: ListSteps :many
SELECT run, step, team, position, status, reason, attempts, error, log_key, log_records, log_sha256,
       items_total, items_succeeded, items_failed, rev, started_at, ended_at
FROM steps WHERE run = @run
ORDER BY position, step;

-- name: GetStep :one
SELECT * FROM steps WHERE run = @run AND step = @step;

-- name: HasStep :one
SELECT EXISTS (SELECT 1 FROM steps WHERE run = @run AND step = @step);

-- name: ListItems :many
-- In the order of the list, behind an item's place and key.
SELECT * FROM items
WHERE run = @run AND step = @step
  AND (sqlc.narg(statuses)::text[] IS NULL OR status = ANY (sqlc.narg(statuses)::text[]))
  AND (position, item) > (@after_position::integer, @after_item::text)
ORDER BY position, item
LIMIT @max;
