-- Times are microseconds since 1970 UTC, money is micros, ids are UUIDv7 text, JSON is text.
-- What is sorted or compared has the collation "C", byte by byte as in SQLite.

CREATE TABLE workspaces (
    id              TEXT COLLATE "C" PRIMARY KEY,
    slug            TEXT COLLATE "C" NOT NULL UNIQUE,
    name            TEXT NOT NULL,
    balance_micros  BIGINT NOT NULL DEFAULT 0,
    concurrency     INTEGER CHECK (concurrency > 0),   -- NULL: the server's own limit
    created_at      BIGINT NOT NULL
);

CREATE TABLE ledger (
    id              TEXT COLLATE "C" PRIMARY KEY,
    workspace_id    TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    kind            TEXT NOT NULL CHECK (kind IN ('grant', 'credit', 'debit')),
    amount_micros   BIGINT NOT NULL,
    job_id          TEXT COLLATE "C",
    note            TEXT,
    created_at      BIGINT NOT NULL,
    CHECK ((kind = 'debit') = (amount_micros < 0))
);
CREATE INDEX ledger_by_workspace ON ledger (workspace_id, id);
CREATE UNIQUE INDEX ledger_one_debit_a_job ON ledger (job_id) WHERE kind = 'debit';

CREATE TABLE keys (
    id                TEXT COLLATE "C" PRIMARY KEY,
    workspace_id      TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    name              TEXT NOT NULL,
    kind              TEXT NOT NULL CHECK (kind IN ('secret', 'publishable')),
    prefix            TEXT COLLATE "C" NOT NULL UNIQUE,
    secret_hash       BYTEA NOT NULL,
    origin            TEXT NOT NULL DEFAULT 'minted'
                      CHECK (origin IN ('minted', 'first', 'bootstrap', 'required')),
    all_skills        INTEGER NOT NULL DEFAULT 1 CHECK (all_skills IN (0, 1)),
    daily_cap_micros  BIGINT CHECK (daily_cap_micros >= 0),
    rate_per_minute   BIGINT CHECK (rate_per_minute > 0),
    allowed_origins   TEXT,
    expires_at        BIGINT,
    revoked_at        BIGINT,
    last_used_at      BIGINT,
    created_at        BIGINT NOT NULL,
    CHECK (allowed_origins IS NULL OR kind = 'publishable')
);
CREATE INDEX keys_by_workspace ON keys (workspace_id, id);

CREATE TABLE key_skills (
    key_id        TEXT COLLATE "C" NOT NULL REFERENCES keys (id),
    skillpack_id  TEXT COLLATE "C" NOT NULL,
    skill_name    TEXT NOT NULL,
    path          TEXT COLLATE "C" NOT NULL,   -- as the minter wrote it, to show
    PRIMARY KEY (key_id, skillpack_id, skill_name)
);

CREATE TABLE key_submits (
    key_id  TEXT COLLATE "C" NOT NULL REFERENCES keys (id),
    minute  INTEGER NOT NULL,
    count   INTEGER NOT NULL,
    PRIMARY KEY (key_id, minute)
);

CREATE TABLE skillpacks (
    id                    TEXT COLLATE "C" PRIMARY KEY,
    workspace_id          TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    slug                  TEXT COLLATE "C" NOT NULL,
    name                  TEXT NOT NULL,
    description           TEXT,
    public                INTEGER NOT NULL DEFAULT 0 CHECK (public IN (0, 1)),
    active_deployment_id  TEXT COLLATE "C",
    last_version          INTEGER NOT NULL DEFAULT 0,
    created_at            BIGINT NOT NULL,
    deleted_at            BIGINT
);
CREATE UNIQUE INDEX skillpacks_slug ON skillpacks (workspace_id, slug) WHERE deleted_at IS NULL;

CREATE TABLE deployments (
    id               TEXT COLLATE "C" PRIMARY KEY,
    skillpack_id     TEXT COLLATE "C" NOT NULL REFERENCES skillpacks (id),
    workspace_id     TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    version          INTEGER NOT NULL CHECK (version > 0),
    size_bytes       BIGINT NOT NULL,
    sha256           TEXT NOT NULL,
    notes            TEXT,
    manifest         TEXT NOT NULL,
    requirements     TEXT NOT NULL DEFAULT '',
    created_at       BIGINT NOT NULL,
    deleted_at       BIGINT,
    UNIQUE (skillpack_id, version)
);

CREATE TABLE jobs (
    id               TEXT COLLATE "C" PRIMARY KEY,
    workspace_id     TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    skillpack_id     TEXT COLLATE "C" NOT NULL REFERENCES skillpacks (id),
    skillpack        TEXT NOT NULL,
    deployment_id    TEXT COLLATE "C" NOT NULL REFERENCES deployments (id),
    version          INTEGER NOT NULL,
    skill_name       TEXT NOT NULL,
    type             TEXT NOT NULL CHECK (type IN ('function', 'agentic')),
    key_id           TEXT COLLATE "C" REFERENCES keys (id),
    parent_job_id    TEXT COLLATE "C" REFERENCES jobs (id),
    root_job_id      TEXT COLLATE "C" NOT NULL,
    depth            INTEGER NOT NULL DEFAULT 0 CHECK (depth BETWEEN 0 AND 5),
    wide_reach       INTEGER NOT NULL DEFAULT 0 CHECK (wide_reach IN (0, 1)),
    public_view      INTEGER NOT NULL DEFAULT 0 CHECK (public_view IN (0, 1)),
    source           TEXT,
    inputs           TEXT NOT NULL,
    status           TEXT NOT NULL DEFAULT 'queued'
                     CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    attempt          INTEGER NOT NULL DEFAULT 0,
    lost             INTEGER NOT NULL DEFAULT 0,
    waiting          INTEGER NOT NULL DEFAULT 0 CHECK (waiting IN (0, 1)),
    worker_id        TEXT COLLATE "C",
    lease_until      BIGINT,
    last_event_id    BIGINT NOT NULL DEFAULT 0,
    log_events       INTEGER NOT NULL DEFAULT 0,
    steps            INTEGER NOT NULL DEFAULT 0,
    input_tokens     BIGINT NOT NULL DEFAULT 0,
    output_tokens    BIGINT NOT NULL DEFAULT 0,
    cost_micros      BIGINT NOT NULL DEFAULT 0,
    result           TEXT,
    outputs          TEXT,
    error            TEXT,
    public_error     TEXT,
    error_code       TEXT,
    created_at       BIGINT NOT NULL,
    started_at       BIGINT,
    finished_at      BIGINT,
    CHECK ((status IN ('succeeded', 'failed', 'cancelled')) = (finished_at IS NOT NULL)),
    CHECK ((status = 'running') = (lease_until IS NOT NULL)),
    CHECK ((status = 'running') = (worker_id IS NOT NULL)),
    CHECK (status = 'running' OR waiting = 0),
    CHECK ((status IN ('failed', 'cancelled')) = (error_code IS NOT NULL)),
    CHECK (status = 'succeeded' OR result IS NULL)
);
CREATE INDEX jobs_by_workspace ON jobs (workspace_id, id);
CREATE INDEX jobs_by_key ON jobs (key_id, id);
CREATE INDEX jobs_by_parent ON jobs (parent_job_id) WHERE parent_job_id IS NOT NULL;
CREATE INDEX jobs_by_deployment ON jobs (deployment_id, status);
CREATE INDEX jobs_queued ON jobs (workspace_id, depth DESC, id) WHERE status = 'queued';
CREATE INDEX jobs_running ON jobs (workspace_id, waiting) WHERE status = 'running';

CREATE TABLE events (
    job_id          TEXT COLLATE "C" NOT NULL REFERENCES jobs (id),
    id              BIGINT NOT NULL,
    ts              BIGINT NOT NULL,
    type            TEXT NOT NULL,
    payload         TEXT NOT NULL,
    public_payload  TEXT,          -- NULL: the same as payload
    PRIMARY KEY (job_id, id)
);

CREATE TABLE recorded_calls (
    job_id      TEXT COLLATE "C" NOT NULL REFERENCES jobs (id),
    verb        TEXT NOT NULL,
    arguments   TEXT NOT NULL,     -- SHA-256 of the canonical arguments
    occurrence  INTEGER NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('intended', 'done')),
    value       TEXT,
    PRIMARY KEY (job_id, verb, arguments, occurrence)
);

CREATE TABLE holds (
    id            TEXT COLLATE "C" PRIMARY KEY,
    job_id        TEXT COLLATE "C" NOT NULL REFERENCES jobs (id),
    root_job_id   TEXT COLLATE "C" NOT NULL,
    workspace_id  TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    key_id        TEXT COLLATE "C",
    day           INTEGER NOT NULL,
    held_micros   BIGINT NOT NULL CHECK (held_micros >= 0),
    cost_micros   BIGINT CHECK (cost_micros BETWEEN 0 AND held_micros),
    state         TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'settled', 'closed')),
    created_at    BIGINT NOT NULL,
    CHECK ((state = 'open') = (cost_micros IS NULL))
);
CREATE INDEX holds_by_key_day ON holds (key_id, day);
CREATE INDEX holds_by_workspace_day ON holds (workspace_id, day);
CREATE INDEX holds_live ON holds (workspace_id) WHERE state <> 'closed';
CREATE INDEX holds_by_job ON holds (job_id);
CREATE INDEX holds_by_root ON holds (root_job_id);

CREATE TABLE idempotency (
    key_id           TEXT COLLATE "C" NOT NULL REFERENCES keys (id),
    method           TEXT NOT NULL,
    path             TEXT COLLATE "C" NOT NULL,
    idempotency_key  TEXT NOT NULL,
    fingerprint      TEXT NOT NULL,
    status           INTEGER NOT NULL,
    resource_id      TEXT COLLATE "C",          -- NULL: still at work
    created_at       BIGINT NOT NULL,
    PRIMARY KEY (key_id, method, path, idempotency_key)
);
CREATE INDEX idempotency_by_age ON idempotency (created_at);

CREATE TABLE drive_files (
    workspace_id  TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    path          TEXT COLLATE "C" NOT NULL,
    size_bytes    BIGINT NOT NULL,
    mime          TEXT NOT NULL,
    blob          TEXT COLLATE "C" NOT NULL UNIQUE,   -- which bytes; a new one at every write
    key_id        TEXT COLLATE "C",            -- the key that uploaded it
    job_id        TEXT COLLATE "C",            -- the job that wrote it
    created_at    BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, path)
);

CREATE TABLE feedback (
    job_id       TEXT COLLATE "C" NOT NULL REFERENCES jobs (id),
    rater        TEXT NOT NULL,    -- 'user:<end_user_id>' or 'key:<key id>'
    end_user_id  TEXT COLLATE "C",
    rating       INTEGER NOT NULL CHECK (rating IN (-1, 0, 1)),
    comment      TEXT,
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL,
    PRIMARY KEY (job_id, rater),
    CHECK (rating <> 0 OR comment IS NOT NULL)
);
