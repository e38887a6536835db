-- name: insert
INSERT INTO jobs (id, workspace_id, skillpack_id, skillpack, deployment_id, version, skill_name,
                  type, key_id, parent_job_id, root_job_id, depth, wide_reach, public_view, source,
                  inputs, prompt, lane, skill_concurrency, traceparent, last_event_id,
                  created_at)
SELECT :id, :workspace_id, :skillpack_id, :skillpack, d.id, d.version, :skill_name,
       :type, :key_id, :parent_job_id, :root_job_id, :depth, :wide_reach, :public_view, :source,
       :inputs, :prompt, :lane, :skill_concurrency, :traceparent, 1, :created_at
FROM deployments d
WHERE d.id = :deployment_id AND d.deleted_at IS NULL;

-- name: get
SELECT * FROM jobs WHERE id = :id;

-- name: running_attempt
-- Where transactions run side by side, the attempt can't end before the one that asks is over.
SELECT id FROM jobs WHERE id = :id AND attempt = :attempt AND status = 'running';

-- name: lock_line
-- Changes nothing: it takes the locks of a job and of the one above it, in the order that all use.
SELECT id FROM jobs WHERE id = :id;

-- name: in_workspace
SELECT * FROM jobs WHERE id = :id AND workspace_id = :workspace_id;

-- name: own_root
SELECT * FROM jobs
WHERE id = :id AND workspace_id = :workspace_id AND key_id = :key_id AND parent_job_id IS NULL;

-- name: list
SELECT * FROM jobs
WHERE workspace_id = :workspace_id
  AND (CAST(:key_id AS TEXT) IS NULL OR (key_id = :key_id AND parent_job_id IS NULL))
  AND (CAST(:status AS TEXT) IS NULL OR status = :status)
  AND (CAST(:skillpack_id AS TEXT) IS NULL OR skillpack_id = :skillpack_id)
  AND (CAST(:skill AS TEXT) IS NULL OR skill_name = :skill)
  AND (CAST(:before AS TEXT) IS NULL OR id < :before)
ORDER BY id DESC
LIMIT :limit;

-- name: lock_claimable
-- Where transactions run side by side: the workspaces to claim from, locked against other workers.
SELECT id FROM workspaces WHERE 1 = 0;

-- name: lock_skillpacks
-- The same for skills that have a limit of their own: they may be run from many workspaces.
SELECT id FROM skillpacks WHERE 1 = 0;

-- name: lanes
SELECT *, COALESCE(workspace_concurrency, :concurrency) AS workspace_places FROM lanes;

-- name: claim
UPDATE jobs
SET status = 'running', attempt = attempt + 1, worker_id = :worker_id,
    lease_until = :now + :lease,
    started_at = COALESCE(started_at, :now), last_event_id = last_event_id + 1
WHERE id IN (SELECT id FROM jobs
             WHERE workspace_id = :workspace_id AND lane = :lane
               AND status = 'queued' AND parked = 0
             ORDER BY depth DESC, id LIMIT :count)
RETURNING *;

-- name: renew
UPDATE jobs SET lease_until = :now + :lease WHERE worker_id = :worker_id AND status = 'running'
RETURNING id, attempt, lost;

-- name: held
SELECT id, attempt FROM jobs WHERE worker_id = :worker_id AND status = 'running';

-- name: lease_clock
-- The clock that all who share the data go by: here there is one process, and its own clock will do.
SELECT :now AS now;

-- name: abandoned
-- A lease that ends far later than it could was given before that clock was set back.
SELECT id, attempt, lost FROM jobs
WHERE status = 'running' AND (lease_until NOT BETWEEN :now AND :now + 2 * :lease OR :every)
  AND worker_id <> :worker_id AND lost < :last
ORDER BY id
LIMIT 100;

-- name: lost_for_good
SELECT id, attempt, lost FROM jobs
WHERE status = 'running' AND (lease_until NOT BETWEEN :now AND :now + 2 * :lease OR :every)
  AND worker_id <> :worker_id AND lost >= :last
ORDER BY id
LIMIT 100;

-- name: requeue
UPDATE jobs
SET status = 'queued', worker_id = NULL, lease_until = NULL, waiting = 0, lost = lost + :losses,
    last_event_id = last_event_id + 1
WHERE id = :id AND attempt = :attempt AND status = 'running'
RETURNING last_event_id;

-- name: park
UPDATE jobs
SET status = 'queued', parked = 1, worker_id = NULL, lease_until = NULL, waiting = 0,
    last_event_id = last_event_id + :count
WHERE id = :id AND attempt = :attempt AND status = 'running'
RETURNING last_event_id;

-- name: tell_parked
UPDATE jobs
SET parked = :parked, last_event_id = last_event_id + :count
WHERE id = :id AND status = 'queued' AND parked = 1
RETURNING last_event_id;

-- name: expire_approvals
-- Nobody has to answer any more for a job that is over.
UPDATE approvals SET status = 'expired', decided_at = :now
WHERE job_id = :job_id AND status = 'pending';

-- name: finish
UPDATE jobs
SET status = :status, result = :result, outputs = :outputs, error = :error,
    public_error = :public_error, error_code = :error_code, finished_at = :now,
    eval_score = :eval_score, eval_results = :eval_results,
    worker_id = NULL, lease_until = NULL, waiting = 0, parked = 0,
    last_event_id = last_event_id + 1
WHERE id = :id
  AND ((status = 'running' AND attempt = :attempt)
       OR (:attempt IS NULL AND status IN ('queued', 'running')))
RETURNING *,
    EXISTS (SELECT 1 FROM holds WHERE holds.job_id = jobs.id AND state <> 'closed') AS has_holds,
    EXISTS (SELECT 1 FROM jobs AS child WHERE child.parent_job_id = jobs.id
            AND child.status IN ('queued', 'running')) AS has_children;

-- name: let_next_of_suite
-- The runs of a suite of evals wait for their turn, a few at a time: one ends, the next may begin.
UPDATE jobs SET parked = 0
WHERE id = (SELECT id FROM jobs
            WHERE suite_id = :suite_id AND status = 'queued' AND parked = 1 AND attempt = 0
            ORDER BY id LIMIT 1);

-- name: unfinished_children
SELECT id FROM jobs
WHERE parent_job_id = :id AND status IN ('queued', 'running')
ORDER BY id;

-- name: wait_for_child
UPDATE jobs SET waiting = 1 WHERE id = :id AND attempt = :attempt AND status = 'running'
RETURNING id;

-- name: resume_parent
UPDATE jobs
SET waiting = 0
WHERE id = :parent_job_id AND waiting = 1
  AND NOT EXISTS (SELECT 1 FROM jobs c
                  WHERE c.parent_job_id = :parent_job_id AND c.status IN ('queued', 'running'));

-- name: ancestors
WITH RECURSIVE line (id, parent_job_id, skillpack_id, skill_name) AS (
    SELECT id, parent_job_id, skillpack_id, skill_name FROM jobs WHERE id = :id
    UNION ALL
    SELECT j.id, j.parent_job_id, j.skillpack_id, j.skill_name
    FROM jobs j JOIN line ON j.id = line.parent_job_id
)
SELECT skillpack_id, skill_name FROM line;

-- name: recall
SELECT state, value FROM recorded_calls
WHERE job_id = :job_id AND verb = :verb AND arguments = :arguments AND occurrence = :occurrence;

-- name: record
INSERT INTO recorded_calls (job_id, verb, arguments, occurrence, state, value)
SELECT :job_id, :verb, :arguments, :occurrence, :state, :value
FROM jobs WHERE id = :job_id AND attempt = :attempt AND status = 'running'
ON CONFLICT (job_id, verb, arguments, occurrence)
DO UPDATE SET state = excluded.state, value = excluded.value;

-- name: locked_attempt
SELECT id FROM jobs WHERE id = :id AND attempt = :attempt AND status = 'running';

-- name: forget_call
DELETE FROM recorded_calls
WHERE job_id = :job_id AND verb = :verb AND arguments = :arguments AND occurrence = :occurrence
  AND state = 'intended';

-- name: count_tokens
UPDATE jobs SET input_tokens = input_tokens + :input, output_tokens = output_tokens + :output
WHERE id = :id;

-- name: count_done
SELECT COUNT(*) AS count FROM recorded_calls
WHERE job_id = :job_id AND verb = :verb AND state = 'done';

-- name: mark_draft
UPDATE jobs SET draft = 1 WHERE id = :id AND attempt = :attempt AND status = 'running';
