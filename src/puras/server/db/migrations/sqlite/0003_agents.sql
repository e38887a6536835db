-- A one-off prompt stands in for the skill's own; a parked job waits for a person, not for a place.
ALTER TABLE jobs ADD COLUMN prompt TEXT;
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
    tool_name     TEXT NOT NULL,
    tool_input    TEXT NOT NULL,
    status        TEXT NOT NULL DEFAULT 'pending'
                  CHECK (status IN ('pending', 'approved', 'denied', 'expired')),
    reason        TEXT,
    decided_by    TEXT REFERENCES keys (id),
    created_at    INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL,
    decided_at    INTEGER,
    UNIQUE (job_id, tool_call_id),
    CHECK ((status = 'pending') = (decided_at IS NULL))
);
CREATE INDEX approvals_pending ON approvals (expires_at) WHERE status = 'pending';
