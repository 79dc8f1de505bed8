-- name: Record :one
-- One round trip for a run and any of its steps. A row never changes for a
-- smaller rev, nor an ended one to another end. For the same rev the last record
-- stands: a workflow task that is tried again may have seen more since, and says so
-- under the number that its first try used. Says whether the run exists.
WITH n AS (
    SELECT unnest(@step_ids::text[]) AS step, unnest(@positions::integer[]) AS position,
           unnest(@statuses::text[]) AS status, unnest(@reasons::text[]) AS reason,
           unnest(@attempts::integer[]) AS attempts, unnest(@outputs::bytea[]) AS output,
           unnest(@output_keys::text[]) AS output_key, unnest(@errors::text[]) AS error,
           unnest(@log_keys::text[]) AS log_key, unnest(@log_records::integer[]) AS log_records,
           unnest(@log_sha256s::text[]) AS log_sha256,
           unnest(@starts::timestamptz[]) AS started_at, unnest(@ends::timestamptz[]) AS ended_at
), run_row AS (
    UPDATE runs SET
        rev = @rev, status = @status,
        started_at = coalesce(sqlc.narg(started_at), started_at),
        ended_at = coalesce(sqlc.narg(ended_at), ended_at),
        output = sqlc.narg(output), output_key = sqlc.narg(output_key), error = sqlc.narg(error),
        workflow_started_at = coalesce(workflow_started_at, now())
    WHERE runs.id = @run AND runs.rev <= @rev AND (runs.ended_at IS NULL OR runs.status = @status)
), step_rows AS (
    INSERT INTO steps AS s (run, team, step, position, status, reason, attempts, output, output_key, error,
                            log_key, log_records, log_sha256, rev, started_at, ended_at)
    SELECT r.id, r.team, n.step, n.position, n.status, nullif(n.reason, ''), n.attempts,
           nullif(n.output, ''::bytea), nullif(n.output_key, ''), nullif(n.error, '')::json,
           nullif(n.log_key, ''), n.log_records, nullif(n.log_sha256, ''), @rev,
           nullif(n.started_at, '0001-01-01Z'::timestamptz), nullif(n.ended_at, '0001-01-01Z'::timestamptz) -- Go's zero time
    FROM runs r, n
    WHERE r.id = @run
    ON CONFLICT (run, step) DO UPDATE SET
        position = excluded.position, status = excluded.status, reason = excluded.reason, attempts = excluded.attempts,
        output = excluded.output, output_key = excluded.output_key, error = excluded.error,
        log_key = excluded.log_key, log_records = excluded.log_records, log_sha256 = excluded.log_sha256,
        rev = excluded.rev,
        started_at = coalesce(excluded.started_at, s.started_at), ended_at = coalesce(excluded.ended_at, s.ended_at)
    WHERE s.rev <= excluded.rev AND (s.ended_at IS NULL OR s.status = excluded.status)
)
SELECT EXISTS (SELECT 1 FROM runs x WHERE x.id = @run);

-- name: RunOutcome :one
SELECT status, error FROM runs WHERE id = @run;

-- name: ListSteps :many
SELECT run, step, team, position, status, reason, attempts, error, log_key, log_records, log_sha256, rev, started_at, ended_at
FROM steps WHERE run = @run
ORDER BY position, step;

-- name: GetStep :one
SELECT * FROM steps WHERE run = @run AND step = @step;
