CREATE TABLE secrets (
    skillpack_id  TEXT NOT NULL REFERENCES skillpacks (id),
    name          TEXT NOT NULL,
    key_id        TEXT NOT NULL,     -- which of the server's keys sealed it
    sealed        BLOB NOT NULL,     -- nonce, ciphertext, tag
    updated_at    INTEGER NOT NULL,
    PRIMARY KEY (skillpack_id, name)
) WITHOUT ROWID;
ALTER TABLE skillpacks ADD COLUMN secrets_version INTEGER NOT NULL DEFAULT 0;

CREATE TABLE spans (
    job_id           TEXT NOT NULL REFERENCES jobs (id),
    span_id          TEXT NOT NULL,
    parent_span_id   TEXT,
    kind             TEXT NOT NULL CHECK (kind IN ('run', 'step', 'llm', 'tool', 'function')),
    name             TEXT NOT NULL,
    started_at       INTEGER NOT NULL,
    duration_micros  INTEGER CHECK (duration_micros >= 0),   -- NULL: not over
    attributes       TEXT NOT NULL,
    PRIMARY KEY (job_id, span_id)
) WITHOUT ROWID;

CREATE TABLE budgets (
    id              TEXT PRIMARY KEY,
    workspace_id    TEXT NOT NULL REFERENCES workspaces (id),
    scope           TEXT NOT NULL CHECK (scope IN ('workspace', 'skillpack')),
    skillpack_id    TEXT REFERENCES skillpacks (id),
    skillpack       TEXT,            -- its slug when the budget was made, to show
    skill_name      TEXT,
    time_window     TEXT NOT NULL CHECK (time_window IN ('day', 'month', 'rolling30', 'total')),
    limit_micros    INTEGER NOT NULL CHECK (limit_micros >= 0),
    alert_pct       INTEGER CHECK (alert_pct BETWEEN 1 AND 100),
    enforce         INTEGER NOT NULL CHECK (enforce IN (0, 1)),
    enabled         INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    alerted_at      INTEGER,
    created_at      INTEGER NOT NULL,
    CHECK ((scope = 'skillpack') = (skillpack_id IS NOT NULL)),
    CHECK (skill_name IS NULL OR scope = 'skillpack')
);
CREATE INDEX budgets_by_workspace ON budgets (workspace_id, id);

-- What the jobs of a skill, and all that these started, have held or paid on a UTC day. It outlives
-- the jobs, so a budget forgets nothing when old jobs are deleted.
CREATE TABLE spending (
    workspace_id  TEXT NOT NULL REFERENCES workspaces (id),
    day           INTEGER NOT NULL,
    skillpack_id  TEXT NOT NULL,
    skill_name    TEXT NOT NULL,
    micros        INTEGER NOT NULL CHECK (micros >= 0),
    PRIMARY KEY (workspace_id, day, skillpack_id, skill_name)
) WITHOUT ROWID;
INSERT INTO spending (workspace_id, day, skillpack_id, skill_name, micros)
SELECT holds.workspace_id, holds.day, jobs.skillpack_id, jobs.skill_name,
       SUM(COALESCE(holds.cost_micros, holds.held_micros))
FROM holds JOIN jobs ON jobs.id = holds.root_job_id
GROUP BY holds.workspace_id, holds.day, jobs.skillpack_id, jobs.skill_name;

CREATE INDEX jobs_by_root ON jobs (root_job_id);
CREATE INDEX jobs_finished_roots ON jobs (finished_at)
WHERE parent_job_id IS NULL AND finished_at IS NOT NULL;
