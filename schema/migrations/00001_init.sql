-- +goose Up

-- Names, IDs and keys compare by byte (COLLATE "C"), so that keyset pages mean
-- the same to Postgres, to Go and on every machine. Values that must come back
-- exactly as they came (definitions, inputs, outputs) are bytea: jsonb reorders
-- keys and rewrites numbers.

CREATE TABLE jobs (
    team            text        COLLATE "C" NOT NULL,
    name            text        COLLATE "C" NOT NULL,
    current_version integer     NOT NULL DEFAULT 0, -- 0: staged only, nothing to run yet
    latest_version  integer     NOT NULL DEFAULT 0,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (team, name)
);

CREATE TABLE job_versions (
    team        text        COLLATE "C" NOT NULL,
    job         text        COLLATE "C" NOT NULL,
    version     integer     NOT NULL CHECK (version > 0),
    digest      text        COLLATE "C" NOT NULL,
    description text        NOT NULL DEFAULT '',
    labels      jsonb       NOT NULL DEFAULT '{}',
    canonical   bytea       NOT NULL,
    source      bytea       NOT NULL,
    created_by  text        NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (team, job, version),
    UNIQUE (team, job, digest),
    FOREIGN KEY (team, job) REFERENCES jobs (team, name)
);

CREATE TABLE runs (
    id                  text        COLLATE "C" PRIMARY KEY,
    team                text        COLLATE "C" NOT NULL,
    job                 text        COLLATE "C" NOT NULL,
    version             integer     NOT NULL,
    status              text        COLLATE "C" NOT NULL,
    rev                 bigint      NOT NULL DEFAULT 0, -- the row never changes for a smaller one
    trigger_kind        text        COLLATE "C" NOT NULL,
    trigger_by          text        NOT NULL,
    trigger_detail      json,
    labels              jsonb       NOT NULL DEFAULT '{}',
    priority            integer     NOT NULL DEFAULT 3,
    input               bytea       NOT NULL,
    output              bytea,
    output_key          text,        -- the output's object, where it is too large to be inline
    error               json,        -- json, not jsonb: a message may hold \u0000
    idempotency_key     text        COLLATE "C",
    request_hash        text        COLLATE "C",
    workflow_started_at timestamptz, -- null: the sweep starts the workflow
    created_at          timestamptz NOT NULL DEFAULT now(),
    started_at          timestamptz,
    ended_at            timestamptz,
    FOREIGN KEY (team, job, version) REFERENCES job_versions (team, job, version)
);

CREATE UNIQUE INDEX runs_idempotency ON runs (team, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX runs_by_team ON runs (team, id DESC);
CREATE INDEX runs_by_job ON runs (team, job, id DESC);
CREATE INDEX runs_unstarted ON runs (id) WHERE workflow_started_at IS NULL AND ended_at IS NULL;
CREATE INDEX runs_open ON runs (id) WHERE ended_at IS NULL;

CREATE TABLE steps (
    run         text        COLLATE "C" NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    step        text        COLLATE "C" NOT NULL,
    team        text        COLLATE "C" NOT NULL,
    position    integer     NOT NULL, -- in the file, from 0
    status      text        COLLATE "C" NOT NULL,
    reason      text        COLLATE "C",
    attempts    integer     NOT NULL DEFAULT 0,
    output      bytea,
    output_key  text,
    error       json,
    log_key     text,
    log_records integer     NOT NULL DEFAULT 0,
    log_sha256  text,
    rev         bigint      NOT NULL,
    started_at  timestamptz,
    ended_at    timestamptz,
    PRIMARY KEY (run, step)
);

CREATE TABLE deliveries (
    id          text        COLLATE "C" PRIMARY KEY,
    team        text        COLLATE "C" NOT NULL,
    run         text        COLLATE "C" REFERENCES runs (id) ON DELETE CASCADE,
    event_id    text        COLLATE "C" NOT NULL,
    event       text        COLLATE "C" NOT NULL,
    channel     text        COLLATE "C" NOT NULL,
    recipient   text        NOT NULL,
    severity    text        COLLATE "C" NOT NULL,
    payload     bytea       NOT NULL,
    state       text        COLLATE "C" NOT NULL DEFAULT 'pending',
    attempts    integer     NOT NULL DEFAULT 0,
    provider_id text,
    error       text,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    sent_at     timestamptz,
    UNIQUE (event_id, recipient, channel)
);

CREATE INDEX deliveries_by_run ON deliveries (run, id);

CREATE TABLE audit (
    id     bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    team   text        COLLATE "C" NOT NULL,
    at     timestamptz NOT NULL DEFAULT now(),
    actor  text        NOT NULL,
    action text        COLLATE "C" NOT NULL,
    target text        NOT NULL,
    detail json
);

CREATE INDEX audit_by_team ON audit (team, id DESC);

CREATE TABLE log_spool (
    key        text        COLLATE "C" PRIMARY KEY,
    team       text        COLLATE "C" NOT NULL,
    body       bytea       NOT NULL,
    size       bigint      NOT NULL GENERATED ALWAYS AS (octet_length(body)) STORED,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- +goose Down

DROP TABLE log_spool;
DROP TABLE audit;
DROP TABLE deliveries;
DROP TABLE steps;
DROP TABLE runs;
DROP TABLE job_versions;
DROP TABLE jobs;
