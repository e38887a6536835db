-- Times are microseconds since 1970 UTC, money is micros, ids are UUIDv7 text, JSON is text.

CREATE TABLE workspaces (
    id              TEXT PRIMARY KEY,
    slug            TEXT NOT NULL UNIQUE,
    name            TEXT NOT NULL,
    balance_micros  INTEGER NOT NULL DEFAULT 0,
    concurrency     INTEGER CHECK (concurrency > 0),   -- NULL: the server's own limit
    created_at      INTEGER NOT NULL
);

CREATE TABLE ledger (
    id              TEXT PRIMARY KEY,
    workspace_id    TEXT NOT NULL REFERENCES workspaces (id),
    kind            TEXT NOT NULL CHECK (kind IN ('grant', 'credit', 'debit')),
    amount_micros   INTEGER NOT NULL,
    job_id          TEXT,
    note            TEXT,
    created_at      INTEGER NOT NULL,
    CHECK ((kind = 'debit') = (amount_micros < 0))
);
CREATE INDEX ledger_by_workspace ON ledger (workspace_id, id);
CREATE UNIQUE INDEX ledger_one_debit_a_job ON ledger (job_id) WHERE kind = 'debit';

CREATE TABLE keys (
    id                TEXT PRIMARY KEY,
    workspace_id      TEXT NOT NULL REFERENCES workspaces (id),
    name              TEXT NOT NULL,
    kind              TEXT NOT NULL CHECK (kind IN ('secret', 'publishable')),
    prefix            TEXT NOT NULL UNIQUE,
    secret_hash       BLOB NOT NULL,
    origin            TEXT NOT NULL DEFAULT 'minted'
                      CHECK (origin IN ('minted', 'first', 'bootstrap', 'required')),
    all_skills        INTEGER NOT NULL DEFAULT 1 CHECK (all_skills IN (0, 1)),
    daily_cap_micros  INTEGER CHECK (daily_cap_micros >= 0),
    rate_per_minute   INTEGER CHECK (rate_per_minute > 0),
    allowed_origins   TEXT,
    expires_at        INTEGER,
    revoked_at        INTEGER,
    last_used_at      INTEGER,
    created_at        INTEGER NOT NULL,
    CHECK (allowed_origins IS NULL OR kind = 'publishable')
);
CREATE INDEX keys_by_workspace ON keys (workspace_id, id);

CREATE TABLE key_skills (
    key_id        TEXT NOT NULL REFERENCES keys (id),
    skillpack_id  TEXT NOT NULL,
    skill_name    TEXT NOT NULL,
    path          TEXT NOT NULL,   -- as the minter wrote it, to show
    PRIMARY KEY (key_id, skillpack_id, skill_name)
) WITHOUT ROWID;

CREATE TABLE key_submits (
    key_id  TEXT NOT NULL REFERENCES keys (id),
    minute  INTEGER NOT NULL,
    count   INTEGER NOT NULL,
    PRIMARY KEY (key_id, minute)
) WITHOUT ROWID;

CREATE TABLE skillpacks (
    id                    TEXT PRIMARY KEY,
    workspace_id          TEXT NOT NULL REFERENCES workspaces (id),
    slug                  TEXT NOT NULL,
    name                  TEXT NOT NULL,
    description           TEXT,
    public                INTEGER NOT NULL DEFAULT 0 CHECK (public IN (0, 1)),
    active_deployment_id  TEXT,
    last_version          INTEGER NOT NULL DEFAULT 0,
    created_at            INTEGER NOT NULL,
    deleted_at            INTEGER
);
CREATE UNIQUE INDEX skillpacks_slug ON skillpacks (workspace_id, slug) WHERE deleted_at IS NULL;

CREATE TABLE deployments (
    id               TEXT PRIMARY KEY,
    skillpack_id     TEXT NOT NULL REFERENCES skillpacks (id),
    workspace_id     TEXT NOT NULL REFERENCES workspaces (id),
    version          INTEGER NOT NULL CHECK (version > 0),
    size_bytes       INTEGER NOT NULL,
    sha256           TEXT NOT NULL,
    notes            TEXT,
    manifest         TEXT NOT NULL,
    requirements     TEXT NOT NULL DEFAULT '',
    created_at       INTEGER NOT NULL,
    deleted_at       INTEGER,
    UNIQUE (skillpack_id, version)
);

CREATE TABLE jobs (
    id               TEXT PRIMARY KEY,
    workspace_id     TEXT NOT NULL REFERENCES workspaces (id),
    skillpack_id     TEXT NOT NULL REFERENCES skillpacks (id),
    skillpack        TEXT NOT NULL,
    deployment_id    TEXT NOT NULL REFERENCES deployments (id),
    version          INTEGER NOT NULL,
    skill_name       TEXT NOT NULL,
    type             TEXT NOT NULL CHECK (type IN ('function', 'agentic')),
    key_id           TEXT REFERENCES keys (id),
    parent_job_id    TEXT REFERENCES jobs (id),
    root_job_id      TEXT NOT NULL,
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
    worker_id        TEXT,
    lease_until      INTEGER,
    last_event_id    INTEGER NOT NULL DEFAULT 0,
    log_events       INTEGER NOT NULL DEFAULT 0,
    steps            INTEGER NOT NULL DEFAULT 0,
    input_tokens     INTEGER NOT NULL DEFAULT 0,
    output_tokens    INTEGER NOT NULL DEFAULT 0,
    cost_micros      INTEGER NOT NULL DEFAULT 0,
    result           TEXT,
    outputs          TEXT,
    error            TEXT,
    public_error     TEXT,
    error_code       TEXT,
    created_at       INTEGER NOT NULL,
    started_at       INTEGER,
    finished_at      INTEGER,
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
    job_id          TEXT NOT NULL REFERENCES jobs (id),
    id              INTEGER NOT NULL,
    ts              INTEGER NOT NULL,
    type            TEXT NOT NULL,
    payload         TEXT NOT NULL,
    public_payload  TEXT,          -- NULL: the same as payload
    PRIMARY KEY (job_id, id)
) WITHOUT ROWID;

CREATE TABLE recorded_calls (
    job_id      TEXT NOT NULL REFERENCES jobs (id),
    verb        TEXT NOT NULL,
    arguments   TEXT NOT NULL,     -- SHA-256 of the canonical arguments
    occurrence  INTEGER NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('intended', 'done')),
    value       TEXT,
    PRIMARY KEY (job_id, verb, arguments, occurrence)
) WITHOUT ROWID;

CREATE TABLE holds (
    id            TEXT PRIMARY KEY,
    job_id        TEXT NOT NULL REFERENCES jobs (id),
    root_job_id   TEXT NOT NULL,
    workspace_id  TEXT NOT NULL REFERENCES workspaces (id),
    key_id        TEXT,
    day           INTEGER NOT NULL,
    held_micros   INTEGER NOT NULL CHECK (held_micros >= 0),
    cost_micros   INTEGER CHECK (cost_micros BETWEEN 0 AND held_micros),
    state         TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'settled', 'closed')),
    created_at    INTEGER NOT NULL,
    CHECK ((state = 'open') = (cost_micros IS NULL))
);
CREATE INDEX holds_by_key_day ON holds (key_id, day);
CREATE INDEX holds_by_workspace_day ON holds (workspace_id, day);
CREATE INDEX holds_live ON holds (workspace_id) WHERE state <> 'closed';
CREATE INDEX holds_by_job ON holds (job_id);
CREATE INDEX holds_by_root ON holds (root_job_id);

CREATE TABLE idempotency (
    key_id           TEXT NOT NULL REFERENCES keys (id),
    method           TEXT NOT NULL,
    path             TEXT NOT NULL,
    idempotency_key  TEXT NOT NULL,
    fingerprint      TEXT NOT NULL,
    status           INTEGER NOT NULL,
    resource_id      TEXT,          -- NULL: still at work
    created_at       INTEGER NOT NULL,
    PRIMARY KEY (key_id, method, path, idempotency_key)
) WITHOUT ROWID;
CREATE INDEX idempotency_by_age ON idempotency (created_at);

CREATE TABLE drive_files (
    workspace_id  TEXT NOT NULL REFERENCES workspaces (id),
    path          TEXT NOT NULL,
    size_bytes    INTEGER NOT NULL,
    mime          TEXT NOT NULL,
    blob          TEXT NOT NULL UNIQUE,   -- which bytes; a new one at every write
    key_id        TEXT,            -- the key that uploaded it
    job_id        TEXT,            -- the job that wrote it
    created_at    INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, path)
) WITHOUT ROWID;

CREATE TABLE feedback (
    job_id       TEXT NOT NULL REFERENCES jobs (id),
    rater        TEXT NOT NULL,    -- 'user:<end_user_id>' or 'key:<key id>'
    end_user_id  TEXT,
    rating       INTEGER NOT NULL CHECK (rating IN (-1, 0, 1)),
    comment      TEXT,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    PRIMARY KEY (job_id, rater),
    CHECK (rating <> 0 OR comment IS NOT NULL)
) WITHOUT ROWID;
