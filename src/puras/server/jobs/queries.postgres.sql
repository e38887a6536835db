-- name: insert
-- The lock lasts to the commit: the deployment can't be deleted before the job is there to be seen.
INSERT INTO jobs (id, workspace_id, skillpack_id, skillpack, deployment_id, version, skill_name,
                  type, key_id, parent_job_id, root_job_id, depth, wide_reach, public_view, source,
                  inputs, prompt, lane, skill_concurrency, traceparent, last_event_id,
                  created_at)
SELECT :id, :workspace_id, :skillpack_id, :skillpack, d.id, d.version, :skill_name,
       :type, :key_id, :parent_job_id, :root_job_id, :depth, :wide_reach, :public_view, :source,
       :inputs, :prompt, :lane, :skill_concurrency, :traceparent, 1, :created_at
FROM deployments d
WHERE d.id = :deployment_id AND d.deleted_at IS NULL
FOR SHARE;

-- name: running_attempt
SELECT id FROM jobs WHERE id = :id AND attempt = :attempt AND status = 'running' FOR SHARE;

-- name: lock_line
SELECT id FROM jobs
WHERE id = :id OR id = (SELECT parent_job_id FROM jobs WHERE id = :id)
ORDER BY depth
FOR NO KEY UPDATE;

-- name: lock_claimable
-- Whoever claims from a workspace holds its row to the commit: no two workers count the same free
-- place. Only those that could get a job are locked, in the order of their ids.
SELECT id FROM workspaces
WHERE id IN (
    SELECT workspace_id FROM lanes
    WHERE workspace_running < COALESCE(workspace_concurrency, :concurrency)
      AND (key_concurrency IS NULL OR key_running < key_concurrency)
      AND (skill_concurrency IS NULL OR skill_running < skill_concurrency)
    GROUP BY workspace_id
    ORDER BY MIN(workspace_running), MIN(job_id)
    LIMIT :most
)
ORDER BY id
FOR NO KEY UPDATE;

-- name: lock_skillpacks
SELECT id FROM skillpacks WHERE id = ANY(:skillpacks) ORDER BY id FOR NO KEY UPDATE;

-- name: lanes
-- Of the locked workspaces alone.
SELECT *, COALESCE(workspace_concurrency, :concurrency) AS workspace_places FROM lanes
WHERE workspace_id = ANY(:workspaces);

-- name: claim
-- A job that another transaction has (a cancel) is passed over. Leases go by the clock of the
-- database: those of two machines need not agree.
WITH next AS (
    SELECT id FROM jobs
    WHERE workspace_id = :workspace_id AND lane = :lane AND status = 'queued' AND parked = 0
    ORDER BY depth DESC, id LIMIT :count
    FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE jobs
SET status = 'running', attempt = attempt + 1, worker_id = :worker_id,
    lease_until = (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint + :lease,
    started_at = COALESCE(started_at, :now), last_event_id = last_event_id + 1
FROM next WHERE jobs.id = next.id
RETURNING jobs.*;

-- name: renew
WITH mine AS (
    SELECT id FROM jobs WHERE worker_id = :worker_id AND status = 'running'
    ORDER BY id
    FOR NO KEY UPDATE
)
UPDATE jobs
SET lease_until = (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint + :lease
FROM mine WHERE jobs.id = mine.id
RETURNING jobs.id, jobs.attempt, jobs.lost;

-- name: abandoned
SELECT id, attempt, lost FROM jobs
WHERE status = 'running' AND (lease_until NOT BETWEEN :now AND :now + 2 * :lease OR :every)
  AND worker_id <> :worker_id AND lost < :last
ORDER BY id
LIMIT 100
FOR NO KEY UPDATE SKIP LOCKED;

-- name: lease_clock
SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint AS now;

-- name: record
INSERT INTO recorded_calls (job_id, verb, arguments, occurrence, state, value)
SELECT :job_id, :verb, :arguments, :occurrence, :state, :value
FROM jobs WHERE id = :job_id AND attempt = :attempt AND status = 'running'
FOR SHARE
ON CONFLICT (job_id, verb, arguments, occurrence)
DO UPDATE SET state = excluded.state, value = excluded.value;

-- name: locked_attempt
SELECT id FROM jobs WHERE id = :id AND attempt = :attempt AND status = 'running'
FOR NO KEY UPDATE;

-- name: let_next_of_suite
-- Two runs that end at the same time let two others begin, not both the same one.
UPDATE jobs SET parked = 0
WHERE id = (SELECT id FROM jobs
            WHERE suite_id = :suite_id AND status = 'queued' AND parked = 1 AND attempt = 0
            ORDER BY id LIMIT 1
            FOR NO KEY UPDATE SKIP LOCKED);
