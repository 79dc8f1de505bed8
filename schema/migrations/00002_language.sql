-- +goose Up

-- What steps that repeat, wait, ask people and undo keep. Only new tables and
-- columns that may be null: the build before runs on it.

ALTER TABLE runs
    ADD COLUMN vars    bytea, -- the team's variables as they were at submit; null: the job names none
    ADD COLUMN cleanup text COLLATE "C"; -- how compensations and `finally` went; null: there was nothing to do

-- What started each other: the children of a run.
CREATE INDEX runs_by_parent ON runs (team, (trigger_detail ->> 'parent'), id DESC) WHERE trigger_kind = 'job';

ALTER TABLE steps -- null: the step has no items
    ADD COLUMN items_total     integer,
    ADD COLUMN items_succeeded integer,
    ADD COLUMN items_failed    integer;

CREATE TABLE items (
    run         text        COLLATE "C" NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    step        text        COLLATE "C" NOT NULL,
    item        text        COLLATE "C" NOT NULL, -- its key
    team        text        COLLATE "C" NOT NULL,
    position    integer     NOT NULL, -- in the list, from 0
    status      text        COLLATE "C" NOT NULL,
    reason      text        COLLATE "C",
    attempts    integer     NOT NULL DEFAULT 0,
    error       json,
    log_key     text,
    log_records integer     NOT NULL DEFAULT 0,
    log_sha256  text,
    rev         bigint      NOT NULL,
    started_at  timestamptz,
    ended_at    timestamptz,
    PRIMARY KEY (run, step, item)
);

CREATE INDEX items_in_order ON items (run, step, position, item);

CREATE TABLE approvals (
    run          text        COLLATE "C" NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    step         text        COLLATE "C" NOT NULL,
    item         text        COLLATE "C" NOT NULL DEFAULT '', -- '': the step has none
    team         text        COLLATE "C" NOT NULL,
    job          text        COLLATE "C" NOT NULL,
    approvers    json        NOT NULL DEFAULT '[]', -- empty: everybody with the role
    message      text        NOT NULL DEFAULT '',
    status       text        COLLATE "C" NOT NULL,
    requested_at timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    decided_by   text,
    decided_at   timestamptz,
    comment      text        NOT NULL DEFAULT '',
    rev          bigint      NOT NULL,
    PRIMARY KEY (run, step, item)
);

CREATE INDEX approvals_by_team ON approvals (team, requested_at DESC, run DESC, step DESC, item DESC);
CREATE INDEX approvals_pending ON approvals (team, requested_at DESC, run DESC, step DESC, item DESC) WHERE status = 'pending';

CREATE TABLE variables (
    team        text        COLLATE "C" NOT NULL,
    name        text        COLLATE "C" NOT NULL,
    value       bytea       NOT NULL, -- JSON, byte by byte
    description text        NOT NULL DEFAULT '',
    rev         bigint      NOT NULL GENERATED ALWAYS AS IDENTITY, -- another one for every change, never used again
    updated_by  text        NOT NULL,
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (team, name)
);

-- +goose Down

DROP TABLE variables;
DROP TABLE approvals;
DROP TABLE items;
ALTER TABLE steps DROP COLUMN items_total, DROP COLUMN items_succeeded, DROP COLUMN items_failed;
DROP INDEX runs_by_parent;
ALTER TABLE runs DROP COLUMN vars, DROP COLUMN cleanup;
