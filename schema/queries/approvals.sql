-- name: ListApprovals :many
-- Newest first, before an approval's place in the list.
SELECT * FROM approvals
WHERE team = @team
  AND (sqlc.narg(run)::text IS NULL OR run = sqlc.narg(run)::text)
  AND (sqlc.narg(statuses)::text[] IS NULL OR status = ANY (sqlc.narg(statuses)::text[]))
  AND (sqlc.narg(before)::timestamptz IS NULL
       OR (requested_at, run, step, item) < (sqlc.narg(before)::timestamptz, @before_run::text, @before_step::text, @before_item::text))
ORDER BY requested_at DESC, run DESC, step DESC, item DESC
LIMIT @max;

-- name: GetApproval :one
SELECT * FROM approvals WHERE run = @run AND step = @step AND item = @item;
