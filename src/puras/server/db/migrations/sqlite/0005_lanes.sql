-- Jobs that wait, by lane: those of one key, and apart from them those of each skill that has a
-- `concurrency` of its own. Within a lane the deepest child comes first, then the oldest job.
ALTER TABLE jobs ADD COLUMN lane TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN skill_concurrency INTEGER CHECK (skill_concurrency > 0);
-- The trace that a submit came with, as W3C writes it.
ALTER TABLE jobs ADD COLUMN traceparent TEXT;
ALTER TABLE keys ADD COLUMN concurrency INTEGER CHECK (concurrency > 0);

DROP INDEX jobs_queued;
CREATE INDEX jobs_queued ON jobs (workspace_id, lane, depth DESC, id)
    WHERE status = 'queued' AND parked = 0;
DROP INDEX jobs_running;
CREATE INDEX jobs_running ON jobs (workspace_id, waiting, key_id) WHERE status = 'running';
CREATE INDEX jobs_running_limited ON jobs (skillpack_id, skill_name, waiting)
    WHERE status = 'running' AND skill_concurrency IS NOT NULL;

-- The first job of each lane, found by stepping from lane to lane in the index: what it costs is
-- the number of lanes, however many jobs wait in them.
CREATE VIEW lane_heads AS
WITH RECURSIVE heads (job_id, workspace_id, lane, depth, key_id, skillpack_id, skill_name,
                      skill_concurrency) AS (
    SELECT id, workspace_id, lane, depth, key_id, skillpack_id, skill_name, skill_concurrency
    FROM jobs
    WHERE id = (
        SELECT first.id FROM jobs AS first INDEXED BY jobs_queued
        WHERE first.status = 'queued' AND first.parked = 0
        ORDER BY first.workspace_id, first.lane, first.depth DESC, first.id LIMIT 1)
    UNION ALL
    SELECT next.id, next.workspace_id, next.lane, next.depth, next.key_id, next.skillpack_id,
           next.skill_name, next.skill_concurrency
    FROM heads JOIN jobs AS next ON next.id = COALESCE(
        -- In two steps: of two columns compared together, an index here finds only the first.
        (SELECT other.id FROM jobs AS other INDEXED BY jobs_queued
         WHERE other.status = 'queued' AND other.parked = 0
           AND other.workspace_id = heads.workspace_id AND other.lane > heads.lane
         ORDER BY other.workspace_id, other.lane, other.depth DESC, other.id LIMIT 1),
        (SELECT other.id FROM jobs AS other INDEXED BY jobs_queued
         WHERE other.status = 'queued' AND other.parked = 0
           AND other.workspace_id > heads.workspace_id
         ORDER BY other.workspace_id, other.lane, other.depth DESC, other.id LIMIT 1))
)
SELECT * FROM heads;

-- What each lane could start next, and how much of it runs already. A run that waits for a child has
-- given its place to it; only a root counts the waiting ones of its skill too, so that trees of
-- jobs can't wait for each other.
CREATE VIEW lanes AS
SELECT head.*, w.concurrency AS workspace_concurrency, k.concurrency AS key_concurrency,
       (SELECT COUNT(*) FROM jobs AS run
        WHERE run.workspace_id = head.workspace_id AND run.status = 'running' AND run.waiting = 0
       ) AS workspace_running,
       (SELECT COUNT(*) FROM jobs AS run
        WHERE run.workspace_id = head.workspace_id AND run.status = 'running' AND run.waiting = 0
          AND run.key_id = head.key_id) AS key_running,
       CASE WHEN head.skill_concurrency IS NULL THEN 0 ELSE
       (SELECT COUNT(*) FROM jobs AS run
        WHERE run.skillpack_id = head.skillpack_id AND run.skill_name = head.skill_name
          AND run.status = 'running' AND run.skill_concurrency IS NOT NULL
          AND (run.waiting = 0 OR head.depth = 0)) END AS skill_running
FROM lane_heads AS head
JOIN workspaces AS w ON w.id = head.workspace_id
LEFT JOIN keys AS k ON k.id = head.key_id;
