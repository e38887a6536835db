-- name: old_roots
SELECT id, workspace_id FROM jobs
WHERE parent_job_id IS NULL AND finished_at < :before
ORDER BY finished_at
LIMIT :limit;

-- name: tree
SELECT id, last_event_id FROM jobs WHERE root_job_id = :root_job_id ORDER BY id;

-- name: delete_events
DELETE FROM events WHERE job_id = :job_id AND id <= :upto;

-- name: delete_spans
DELETE FROM spans WHERE job_id = :job_id;

-- name: delete_recorded_calls
DELETE FROM recorded_calls WHERE job_id = :job_id;

-- name: delete_approvals
DELETE FROM approvals WHERE job_id = :job_id;

-- name: delete_feedback
DELETE FROM feedback WHERE job_id = :job_id;

-- name: delete_holds
DELETE FROM holds WHERE job_id = :job_id;

-- name: delete_suites
-- Of a suite of evals nothing is left to tell when its jobs are gone.
DELETE FROM eval_suites
WHERE created_at < :before
  AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.suite_id = eval_suites.id);

-- name: delete_tree
-- One statement, for parent and child refer to each other within it.
DELETE FROM jobs WHERE root_job_id = :root_job_id;
