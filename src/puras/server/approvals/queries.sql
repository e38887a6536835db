-- name: insert
INSERT INTO approvals (id, job_id, workspace_id, tool_call_id, step, tool_name, tool_input,
                       created_at, expires_at)
VALUES (:id, :job_id, :workspace_id, :tool_call_id, :step, :tool_name, :tool_input,
        :created_at, :expires_at);

-- name: visible
-- A child has the key of the job that began its line, so whoever began it may answer for it.
SELECT a.* FROM approvals a JOIN jobs j ON j.id = a.job_id
WHERE a.id = :id AND a.workspace_id = :workspace_id
  AND (CAST(:key_id AS TEXT) IS NULL OR j.key_id = :key_id);

-- name: of_line
WITH RECURSIVE line (id) AS (
    SELECT id FROM jobs WHERE id = :job_id
    UNION ALL
    SELECT j.id FROM jobs j JOIN line ON j.parent_job_id = line.id
)
SELECT a.* FROM approvals a JOIN line ON a.job_id = line.id
ORDER BY a.id;

-- name: settle
UPDATE approvals
SET status = :status, reason = :reason, decided_by = :decided_by, decided_at = :now
WHERE id = :id AND status = 'pending'
RETURNING *;

-- name: pending
SELECT id FROM approvals WHERE job_id = :job_id AND status = 'pending' LIMIT 1;

-- name: due
SELECT id, job_id FROM approvals
WHERE status = 'pending' AND expires_at <= :now
ORDER BY expires_at
LIMIT :limit;

-- name: decided
SELECT step, tool_call_id, status, reason FROM approvals
WHERE job_id = :job_id AND status <> 'pending';
