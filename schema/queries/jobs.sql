-- name: EnsureJob :exec
INSERT INTO jobs (team, name) VALUES (@team, @name)
ON CONFLICT (team, name) DO NOTHING;

-- name: LockJob :one
SELECT current_version, latest_version FROM jobs
WHERE team = @team AND name = @name
FOR UPDATE;

-- name: VersionByDigest :one
SELECT version FROM job_versions
WHERE team = @team AND job = @job AND digest = @digest;

-- name: InsertVersion :exec
INSERT INTO job_versions (team, job, version, digest, description, labels, canonical, source, created_by)
VALUES (@team, @job, @version, @digest, @description, @labels, @canonical, @source, @created_by);

-- name: SetJobVersions :exec
UPDATE jobs SET current_version = @current_version, latest_version = @latest_version, updated_at = now()
WHERE team = @team AND name = @name;

-- name: GetJob :one
-- version 0 asks for the current one.
SELECT v.team, v.job, v.version, v.digest, v.description, v.labels, v.canonical, v.source, v.created_by, v.created_at,
       j.current_version, j.latest_version
FROM jobs j
JOIN job_versions v ON v.team = j.team AND v.job = j.name
    AND v.version = CASE WHEN @version::integer = 0 THEN j.current_version ELSE @version::integer END
WHERE j.team = @team AND j.name = @name;

-- name: ListJobs :many
-- A job that is only staged shows its latest version.
SELECT j.team, j.name, j.current_version, j.latest_version, j.created_at, j.updated_at,
       v.digest, v.description, v.labels
FROM jobs j
JOIN job_versions v ON v.team = j.team AND v.job = j.name
    AND v.version = CASE WHEN j.current_version = 0 THEN j.latest_version ELSE j.current_version END
WHERE j.team = @team AND j.name > @after
ORDER BY j.name
LIMIT @max;

-- name: InsertAudit :exec
INSERT INTO audit (team, actor, action, target, detail)
VALUES (@team, @actor, @action, @target, @detail);

-- name: ListAudit :many
SELECT id, at, actor, action, target, detail FROM audit
WHERE team = @team AND (@before::bigint = 0 OR id < @before::bigint)
ORDER BY id DESC
LIMIT @max;
