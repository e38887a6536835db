-- Browsers that are signed in. `key_hash` is the key's secret as it was then: with another one the
-- session is over. The former cookie is good until the present one takes its turn.
CREATE TABLE sessions (
    id            TEXT COLLATE "C" PRIMARY KEY,
    key_id        TEXT COLLATE "C" NOT NULL REFERENCES keys (id),
    key_hash      BYTEA NOT NULL,
    cookie_hash   BYTEA NOT NULL UNIQUE,
    former_hash   BYTEA UNIQUE,
    rotated_at    BIGINT NOT NULL,
    user_agent    TEXT,
    last_used_at  BIGINT NOT NULL,
    expires_at    BIGINT NOT NULL,
    created_at    BIGINT NOT NULL
);
CREATE INDEX sessions_by_key ON sessions (key_id, id);
CREATE INDEX sessions_by_age ON sessions (expires_at);

-- Bearer tokens that a session gave out.
CREATE TABLE session_tokens (
    token_hash  BYTEA PRIMARY KEY,
    session_id  TEXT COLLATE "C" NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    expires_at  BIGINT NOT NULL
);
CREATE INDEX session_tokens_by_session ON session_tokens (session_id, expires_at);

CREATE TABLE sign_in_links (
    token_hash  BYTEA PRIMARY KEY,
    key_id      TEXT COLLATE "C" NOT NULL REFERENCES keys (id),
    expires_at  BIGINT NOT NULL
);

-- Wrong keys and links, by the minute and by who sent them.
CREATE TABLE sign_in_failures (
    sender  TEXT COLLATE "C" NOT NULL,
    minute  BIGINT NOT NULL,
    count   INTEGER NOT NULL,
    PRIMARY KEY (sender, minute)
);

-- Who runs jobs: a row that is renewed with the worker's leases.
CREATE TABLE workers (
    id          TEXT COLLATE "C" PRIMARY KEY,
    places      INTEGER NOT NULL CHECK (places > 0),
    started_at  BIGINT NOT NULL,
    seen_at     BIGINT NOT NULL
);

-- What money was held for: the kind of cost, and the model that it goes to.
ALTER TABLE holds ADD COLUMN kind TEXT NOT NULL DEFAULT 'other'
    CHECK (kind IN ('model', 'media', 'compute', 'eval', 'other'));
ALTER TABLE holds ADD COLUMN label TEXT NOT NULL DEFAULT '';
CREATE INDEX jobs_by_worker ON jobs (worker_id) WHERE status = 'running';
