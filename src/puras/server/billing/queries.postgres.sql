-- name: lock_payer
SELECT id AS job_id FROM jobs
WHERE id = (SELECT job_id FROM holds WHERE holds.id = :hold_id)
FOR NO KEY UPDATE;

-- name: lock_wallet
SELECT id FROM workspaces
WHERE id = (SELECT workspace_id FROM jobs WHERE jobs.id = :job_id)
FOR NO KEY UPDATE;
