-- name: InsertDelivery :batchexec
INSERT INTO deliveries (id, team, run, event_id, event, channel, recipient, severity, payload)
VALUES (@id, @team, @run, @event_id, @event, @channel, @recipient, @severity, @payload)
ON CONFLICT (event_id, recipient, channel) DO NOTHING;

-- name: DeliveriesOfEvent :many
SELECT * FROM deliveries WHERE event_id = @event_id ORDER BY id;

-- name: DeliveriesOfRun :many
SELECT * FROM deliveries WHERE run = @run ORDER BY id;

-- name: GetDelivery :one
SELECT * FROM deliveries WHERE id = @id;

-- name: MarkDelivery :exec
-- What was sent stays sent.
UPDATE deliveries SET
    state = @state, provider_id = coalesce(sqlc.narg(provider_id), provider_id), error = sqlc.narg(error),
    attempts = attempts + 1, updated_at = now(),
    sent_at = CASE WHEN @state = 'sent' THEN now() END
WHERE id = @id AND state <> 'sent';
