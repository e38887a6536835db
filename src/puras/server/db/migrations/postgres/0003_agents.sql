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
    id            TEXT COLLATE "C" PRIMARY KEY,
    job_id        TEXT COLLATE "C" NOT NULL REFERENCES jobs (id),
    workspace_id  TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    tool_call_id  TEXT COLLATE "C" NOT NULL,
    step          INTEGER NOT NULL,
    tool_name     TEXT NOT NULL,
    tool_input    TEXT NOT NULL,
    status        TEXT NOT NULL DEFAULT 'pending'
                  CHECK (status IN ('pending', 'approved', 'denied', 'expired')),
    reason        TEXT,
    decided_by    TEXT COLLATE "C" REFERENCES keys (id),
    created_at    BIGINT NOT NULL,
    expires_at    BIGINT NOT NULL,
    decided_at    BIGINT,
    UNIQUE (job_id, step, tool_call_id),
    CHECK ((status = 'pending') = (decided_at IS NULL))
);
CREATE INDEX approvals_pending ON approvals (expires_at) WHERE status = 'pending';

-- What skills keep from run to run, by the workspace that runs them; skill_name '' is shared by all
-- skills of the skillpack. Words are what a search looks at.
CREATE TABLE memories (
    number        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    workspace_id  TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    skillpack_id  TEXT COLLATE "C" NOT NULL REFERENCES skillpacks (id),
    skill_name    TEXT COLLATE "C" NOT NULL,
    key           TEXT COLLATE "C" NOT NULL,
    text          TEXT NOT NULL,
    tags          TEXT NOT NULL,
    words         TEXT NOT NULL,
    uses          BIGINT NOT NULL DEFAULT 0,
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL,
    UNIQUE (workspace_id, skillpack_id, skill_name, key)
);
CREATE INDEX memories_by_age ON memories (workspace_id, skillpack_id, skill_name, updated_at);
CREATE INDEX memories_by_skillpack ON memories (skillpack_id);
CREATE INDEX memories_search ON memories USING GIN (to_tsvector('simple', words));

-- A suite of evals has no state of its own: what became of it are its jobs.
CREATE TABLE eval_suites (
    id             TEXT COLLATE "C" PRIMARY KEY,
    workspace_id   TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    skillpack_id   TEXT COLLATE "C" NOT NULL REFERENCES skillpacks (id),
    skill_name     TEXT COLLATE "C" NOT NULL,
    deployment_id  TEXT COLLATE "C" NOT NULL REFERENCES deployments (id),
    version        INTEGER NOT NULL,
    key_id         TEXT COLLATE "C" REFERENCES keys (id),
    repeat         INTEGER NOT NULL CHECK (repeat > 0),
    threshold      DOUBLE PRECISION NOT NULL CHECK (threshold BETWEEN 0 AND 1),
    total_runs     INTEGER NOT NULL CHECK (total_runs > 0),
    graders        TEXT NOT NULL,     -- name and kind of each
    cases          TEXT NOT NULL,     -- id and tags of each
    cancelled_at   BIGINT,
    created_at     BIGINT NOT NULL
);
CREATE INDEX eval_suites_by_skill ON eval_suites (skillpack_id, skill_name, id);
ALTER TABLE jobs ADD COLUMN suite_id TEXT COLLATE "C" REFERENCES eval_suites (id);
ALTER TABLE jobs ADD COLUMN eval_case TEXT COLLATE "C";
ALTER TABLE jobs ADD COLUMN eval_score DOUBLE PRECISION CHECK (eval_score BETWEEN 0 AND 1);
ALTER TABLE jobs ADD COLUMN eval_results TEXT;
CREATE INDEX jobs_by_suite ON jobs (suite_id, id) WHERE suite_id IS NOT NULL;
