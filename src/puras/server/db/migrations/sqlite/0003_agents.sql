-- A one-off prompt stands in for the skill's own; a parked job waits for a person, not for a place.
ALTER TABLE jobs ADD COLUMN prompt TEXT;
ALTER TABLE jobs ADD COLUMN draft INTEGER NOT NULL DEFAULT 0 CHECK (draft IN (0, 1));
ALTER TABLE jobs ADD COLUMN parked INTEGER NOT NULL DEFAULT 0
    CHECK (parked = 0 OR (parked = 1 AND status = 'queued'));
DROP INDEX jobs_queued;
CREATE INDEX jobs_queued ON jobs (workspace_id, depth DESC, id)
    WHERE status = 'queued' AND parked = 0;
CREATE INDEX jobs_parked ON jobs (id) WHERE parked = 1;

CREATE TABLE approvals (
    id            TEXT PRIMARY KEY,
    job_id        TEXT NOT NULL REFERENCES jobs (id),
    workspace_id  TEXT NOT NULL REFERENCES workspaces (id),
    tool_call_id  TEXT NOT NULL,
    step          INTEGER NOT NULL,
    tool_name     TEXT NOT NULL,
    tool_input    TEXT NOT NULL,
    status        TEXT NOT NULL DEFAULT 'pending'
                  CHECK (status IN ('pending', 'approved', 'denied', 'expired')),
    reason        TEXT,
    decided_by    TEXT REFERENCES keys (id),
    created_at    INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL,
    decided_at    INTEGER,
    UNIQUE (job_id, step, tool_call_id),
    CHECK ((status = 'pending') = (decided_at IS NULL))
);
CREATE INDEX approvals_pending ON approvals (expires_at) WHERE status = 'pending';

-- What skills keep from run to run, by the workspace that runs them; skill_name '' is shared by all
-- skills of the skillpack. Words are what a search looks at.
CREATE TABLE memories (
    number        INTEGER PRIMARY KEY,
    workspace_id  TEXT NOT NULL REFERENCES workspaces (id),
    skillpack_id  TEXT NOT NULL REFERENCES skillpacks (id),
    skill_name    TEXT NOT NULL,
    key           TEXT NOT NULL,
    text          TEXT NOT NULL,
    tags          TEXT NOT NULL,
    words         TEXT NOT NULL,
    uses          INTEGER NOT NULL DEFAULT 0,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    UNIQUE (workspace_id, skillpack_id, skill_name, key)
);
CREATE INDEX memories_by_age ON memories (workspace_id, skillpack_id, skill_name, updated_at);
CREATE INDEX memories_by_skillpack ON memories (skillpack_id);

CREATE VIRTUAL TABLE memories_search USING fts5 (
    words, content = 'memories', content_rowid = 'number', tokenize = 'unicode61'
);
CREATE TRIGGER memories_search_insert AFTER INSERT ON memories BEGIN
    INSERT INTO memories_search (rowid, words) VALUES (new.number, new.words);
END;
CREATE TRIGGER memories_search_update AFTER UPDATE OF words ON memories BEGIN
    INSERT INTO memories_search (memories_search, rowid, words)
    VALUES ('delete', old.number, old.words);
    INSERT INTO memories_search (rowid, words) VALUES (new.number, new.words);
END;
CREATE TRIGGER memories_search_delete AFTER DELETE ON memories BEGIN
    INSERT INTO memories_search (memories_search, rowid, words)
    VALUES ('delete', old.number, old.words);
END;

-- A suite of evals has no state of its own: what became of it are its jobs.
CREATE TABLE eval_suites (
    id             TEXT PRIMARY KEY,
    workspace_id   TEXT NOT NULL REFERENCES workspaces (id),
    skillpack_id   TEXT NOT NULL REFERENCES skillpacks (id),
    skill_name     TEXT NOT NULL,
    deployment_id  TEXT NOT NULL REFERENCES deployments (id),
    version        INTEGER NOT NULL,
    key_id         TEXT REFERENCES keys (id),
    repeat         INTEGER NOT NULL CHECK (repeat > 0),
    threshold      REAL NOT NULL CHECK (threshold BETWEEN 0 AND 1),
    total_runs     INTEGER NOT NULL CHECK (total_runs > 0),
    graders        TEXT NOT NULL,     -- name and kind of each
    cases          TEXT NOT NULL,     -- id and tags of each
    cancelled_at   INTEGER,
    created_at     INTEGER NOT NULL
);
CREATE INDEX eval_suites_by_skill ON eval_suites (skillpack_id, skill_name, id);
ALTER TABLE jobs ADD COLUMN suite_id TEXT REFERENCES eval_suites (id);
ALTER TABLE jobs ADD COLUMN eval_case TEXT;
ALTER TABLE jobs ADD COLUMN eval_score REAL CHECK (eval_score BETWEEN 0 AND 1);
ALTER TABLE jobs ADD COLUMN eval_results TEXT;
CREATE INDEX jobs_by_suite ON jobs (suite_id, id) WHERE suite_id IS NOT NULL;
