-- name: ListVariables :many
SELECT * FROM variables
WHERE team = @team AND name > @after
ORDER BY name
LIMIT @max;

-- name: VariableNames :many
SELECT name FROM variables WHERE team = @team ORDER BY name;

-- name: VariableValues :many
SELECT name, value FROM variables WHERE team = @team AND name = ANY (@names::text[]);

-- name: GetVariable :one
SELECT * FROM variables WHERE team = @team AND name = @name;

-- name: CreateVariable :one
-- Row and audit entry in one statement; no row comes back when there is one already.
WITH created AS (
    INSERT INTO variables (team, name, value, description, updated_by)
    VALUES (@team, @name, @value, @description, @actor)
    ON CONFLICT (team, name) DO NOTHING
    RETURNING *
), audited AS (
    INSERT INTO audit (team, actor, action, target, detail)
    SELECT c.team, c.updated_by, 'variable.create', c.name, json_build_object('rev', c.rev) FROM created c
)
SELECT * FROM created;

-- name: ChangeVariable :one
-- Row and audit entry in one statement; no row comes back when it has none of the revs (null: any).
WITH changed AS (
    UPDATE variables v SET value = @value, description = @description, rev = DEFAULT, updated_by = @actor, updated_at = now()
    WHERE v.team = @team AND v.name = @name AND (sqlc.narg(revs)::bigint[] IS NULL OR v.rev = ANY (sqlc.narg(revs)::bigint[]))
    RETURNING v.*
), audited AS (
    INSERT INTO audit (team, actor, action, target, detail)
    SELECT c.team, c.updated_by, 'variable.change', c.name, json_build_object('rev', c.rev) FROM changed c
)
SELECT * FROM changed;

-- name: DeleteVariable :one
-- Row and audit entry in one statement; no row comes back when it has none of the revs (null: any).
WITH deleted AS (
    DELETE FROM variables v
    WHERE v.team = @team AND v.name = @name AND (sqlc.narg(revs)::bigint[] IS NULL OR v.rev = ANY (sqlc.narg(revs)::bigint[]))
    RETURNING v.team, v.name, v.rev
), audited AS (
    INSERT INTO audit (team, actor, action, target, detail)
    SELECT d.team, @actor, 'variable.delete', d.name, json_build_object('rev', d.rev) FROM deleted d
)
SELECT name FROM deleted;
