-- Browsers that are signed in. `key_hash` is the key's secret as it was then: with another one the
-- session is over. The former cookie is good until the present one takes its turn.
CREATE TABLE sessions (
    id            TEXT PRIMARY KEY,
    key_id        TEXT NOT NULL REFERENCES keys (id),
    key_hash      BLOB NOT NULL,
    cookie_hash   BLOB NOT NULL UNIQUE,
    former_hash   BLOB UNIQUE,
    rotated_at    INTEGER NOT NULL,
    user_agent    TEXT,
    last_used_at  INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL,
    created_at    INTEGER NOT NULL
);
CREATE INDEX sessions_by_key ON sessions (key_id, id);
CREATE INDEX sessions_by_age ON sessions (expires_at);

-- Bearer tokens that a session gave out.
CREATE TABLE session_tokens (
    token_hash  BLOB PRIMARY KEY,
    session_id  TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    expires_at  INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX session_tokens_by_session ON session_tokens (session_id, expires_at);

CREATE TABLE sign_in_links (
    token_hash  BLOB PRIMARY KEY,
    key_id      TEXT NOT NULL REFERENCES keys (id),
    expires_at  INTEGER NOT NULL
) WITHOUT ROWID;

-- Wrong keys and links, by the minute and by who sent them.
CREATE TABLE sign_in_failures (
    sender  TEXT NOT NULL,
    minute  INTEGER NOT NULL,
    count   INTEGER NOT NULL,
    PRIMARY KEY (sender, minute)
) WITHOUT ROWID;

-- Who runs jobs: a row that is renewed with the worker's leases.
CREATE TABLE workers (
    id          TEXT PRIMARY KEY,
    places      INTEGER NOT NULL CHECK (places > 0),
    started_at  INTEGER NOT NULL,
    seen_at     INTEGER NOT NULL
) WITHOUT ROWID;

-- What money was held for: the kind of cost, and the model that it goes to.
ALTER TABLE holds ADD COLUMN kind TEXT NOT NULL DEFAULT 'other'
    CHECK (kind IN ('model', 'media', 'compute', 'eval', 'other'));
ALTER TABLE holds ADD COLUMN label TEXT NOT NULL DEFAULT '';
CREATE INDEX jobs_by_worker ON jobs (worker_id) WHERE status = 'running';
