-- `:roots` and `:jobs` are JSON lists of ids.

-- name: old_roots
SELECT id FROM jobs
WHERE parent_job_id IS NULL AND finished_at < :before
ORDER BY finished_at
LIMIT :limit;

-- name: trees
-- The folder of a job's files has its id between two slashes, and `0` is what follows a slash.
SELECT
    id, workspace_id, last_event_id,
    EXISTS (
        SELECT 1 FROM drive_files
        WHERE drive_files.workspace_id = jobs.workspace_id
          AND path > 'jobs/' || jobs.id || '/' AND path < 'jobs/' || jobs.id || '0'
    ) AS has_files
FROM jobs
WHERE root_job_id IN (SELECT value FROM json_each(:roots))
ORDER BY id;

-- name: delete_events_upto
DELETE FROM events WHERE job_id = :job_id AND id <= :upto;

-- name: delete_events
DELETE FROM events WHERE job_id IN (SELECT value FROM json_each(:jobs));

-- name: delete_spans
DELETE FROM spans WHERE job_id IN (SELECT value FROM json_each(:jobs));

-- name: delete_recorded_calls
DELETE FROM recorded_calls WHERE job_id IN (SELECT value FROM json_each(:jobs));

-- name: delete_approvals
DELETE FROM approvals WHERE job_id IN (SELECT value FROM json_each(:jobs));

-- name: delete_feedback
DELETE FROM feedback WHERE job_id IN (SELECT value FROM json_each(:jobs));

-- name: delete_holds
DELETE FROM holds WHERE job_id IN (SELECT value FROM json_each(:jobs));

-- name: delete_trees
-- One statement, for parent and child refer to each other within it.
DELETE FROM jobs WHERE root_job_id IN (SELECT value FROM json_each(:roots));

-- name: delete_suites
-- Of a suite of evals nothing is left to tell when its jobs are gone.
DELETE FROM eval_suites
WHERE created_at < :before
  AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.suite_id = eval_suites.id);
