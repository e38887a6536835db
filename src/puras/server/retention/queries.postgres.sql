-- PostgreSQL reads a list out of JSON in its own way; the rest is as in `queries.sql`.

-- name: trees
SELECT
    id, workspace_id, last_event_id,
    EXISTS (
        SELECT 1 FROM drive_files
        WHERE drive_files.workspace_id = jobs.workspace_id
          AND path > 'jobs/' || jobs.id || '/' AND path < 'jobs/' || jobs.id || '0'
    ) AS has_files
FROM jobs
WHERE root_job_id IN (SELECT jsonb_array_elements_text(CAST(:roots AS JSONB)))
ORDER BY id;

-- name: delete_events
DELETE FROM events WHERE job_id IN (SELECT jsonb_array_elements_text(CAST(:jobs AS JSONB)));

-- name: delete_spans
DELETE FROM spans WHERE job_id IN (SELECT jsonb_array_elements_text(CAST(:jobs AS JSONB)));

-- name: delete_recorded_calls
DELETE FROM recorded_calls WHERE job_id IN (SELECT jsonb_array_elements_text(CAST(:jobs AS JSONB)));

-- name: delete_approvals
DELETE FROM approvals WHERE job_id IN (SELECT jsonb_array_elements_text(CAST(:jobs AS JSONB)));

-- name: delete_feedback
DELETE FROM feedback WHERE job_id IN (SELECT jsonb_array_elements_text(CAST(:jobs AS JSONB)));

-- name: delete_holds
DELETE FROM holds WHERE job_id IN (SELECT jsonb_array_elements_text(CAST(:jobs AS JSONB)));

-- name: delete_trees
DELETE FROM jobs WHERE root_job_id IN (SELECT jsonb_array_elements_text(CAST(:roots AS JSONB)));
