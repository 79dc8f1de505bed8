-- name: InsertRun :one
-- Row and audit entry in one statement; no row comes back when the key is taken.
WITH inserted AS (
    INSERT INTO runs (id, team, job, version, status, trigger_kind, trigger_by, trigger_detail, labels, priority,
                      input, vars, idempotency_key, request_hash, workflow_started_at)
    VALUES (@id, @team, @job, @version, @status, @trigger_kind, @trigger_by, @trigger_detail, @labels, @priority,
            @input, @vars, @idempotency_key, @request_hash, CASE WHEN @started::boolean THEN now() END)
    ON CONFLICT (team, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
    RETURNING id, team, trigger_by, created_at
), audited AS (
    INSERT INTO audit (team, actor, action, target, detail)
    SELECT i.team, i.trigger_by, 'run.submit', i.id, sqlc.arg(audit_detail)::json FROM inserted i
)
SELECT created_at FROM inserted;

-- name: RunByKey :one
SELECT * FROM runs WHERE team = @team AND idempotency_key = @idempotency_key;

-- name: GetRun :one
SELECT * FROM runs WHERE id = @id;

-- name: GetRunState :one
SELECT team, job, version, status, created_at,
       (SELECT coalesce(max(a.requested_at), '0001-01-01Z') -- Go's zero time
        FROM approvals a WHERE a.run = runs.id AND a.status = 'pending')::timestamptz AS asked_at
FROM runs WHERE id = @id;

-- name: SettledRuns :many
-- Those of the runs that have ended, or wait for a person.
SELECT id FROM runs
WHERE id = ANY (@ids::text[])
  AND (ended_at IS NOT NULL OR EXISTS (SELECT 1 FROM approvals a WHERE a.run = runs.id AND a.status = 'pending'));

-- name: ListRuns :many
SELECT id, team, job, version, status, rev, trigger_kind, trigger_by, trigger_detail, labels, priority, error, cleanup,
       workflow_started_at, created_at, started_at, ended_at
FROM runs
WHERE team = @team
  AND (sqlc.narg(before)::text IS NULL OR id < sqlc.narg(before)::text)
  AND (sqlc.narg(job)::text IS NULL OR job = sqlc.narg(job)::text)
  AND (sqlc.narg(statuses)::text[] IS NULL OR status = ANY (sqlc.narg(statuses)::text[]))
  AND (sqlc.narg(trigger_kind)::text IS NULL OR trigger_kind = sqlc.narg(trigger_kind)::text)
  AND (sqlc.narg(parent)::text IS NULL OR trigger_kind = 'job' AND trigger_detail ->> 'parent' = sqlc.narg(parent)::text)
  AND (sqlc.narg(version)::integer IS NULL OR version = sqlc.narg(version)::integer)
  AND (sqlc.narg(since)::timestamptz IS NULL OR created_at >= sqlc.narg(since)::timestamptz)
  AND (sqlc.narg(until)::timestamptz IS NULL OR created_at < sqlc.narg(until)::timestamptz)
  AND (sqlc.narg(labels)::jsonb IS NULL OR labels @> sqlc.narg(labels)::jsonb)
  AND (sqlc.narg(q)::text IS NULL OR strpos(lower(id || ' ' || job || ' ' || coalesce(error::text, '')), lower(sqlc.narg(q)::text)) > 0)
ORDER BY id DESC
LIMIT @max;

-- name: MarkRunStarted :exec
UPDATE runs SET workflow_started_at = now() WHERE id = @id AND workflow_started_at IS NULL;

-- name: UnstartedRuns :many
-- Without inputs: the sweep loads one run at a time.
SELECT id FROM runs
WHERE workflow_started_at IS NULL AND ended_at IS NULL AND id > @after
  AND created_at < now() - make_interval(secs => @age_seconds::double precision)
ORDER BY id
LIMIT @max;

-- name: OpenRuns :many
SELECT id, team, job, version, status, rev, trigger_kind, trigger_by, trigger_detail, labels, priority, error, cleanup,
       workflow_started_at, created_at, started_at, ended_at
FROM runs
WHERE ended_at IS NULL AND workflow_started_at IS NOT NULL AND id > @after
ORDER BY id
LIMIT @max;

-- name: PreviousEndedRun :one
SELECT id, team, job, version, status, rev, trigger_kind, trigger_by, trigger_detail, labels, priority, error, cleanup,
       workflow_started_at, created_at, started_at, ended_at
FROM runs
WHERE team = @team AND job = @job AND id < @before
  AND ended_at IS NOT NULL AND status IN ('succeeded', 'failed', 'timed_out')
ORDER BY id DESC
LIMIT 1;
