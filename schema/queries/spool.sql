-- name: InsertSpool :execrows
-- Bounded: nothing is inserted once the spool holds max_bytes.
INSERT INTO log_spool (key, team, body)
SELECT @key::text, @team::text, @body::bytea
WHERE (SELECT coalesce(sum(size), 0) FROM log_spool) + octet_length(@body::bytea) <= @max_bytes::bigint
ON CONFLICT (key) DO UPDATE SET body = excluded.body;

-- name: SpooledKeys :many
SELECT key FROM log_spool
WHERE starts_with(key, @prefix::text) AND key > @after
ORDER BY key
LIMIT @max;

-- name: SpooledBody :one
SELECT body FROM log_spool WHERE key = @key;

-- name: DeleteSpooled :exec
DELETE FROM log_spool WHERE key = @key;
