-- name: ListVersions :many
SELECT v.version, v.digest, v.description, v.labels, v.created_by, v.created_at, j.current_version, j.latest_version
FROM jobs j
JOIN job_versions v ON v.team = j.team AND v.job = j.name
WHERE j.team = @team AND j.name = @name AND (@before::integer = 0 OR v.version < @before::integer)
ORDER BY v.version DESC
LIMIT @max;
