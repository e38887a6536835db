-- name: lock_payer
SELECT id AS job_id FROM jobs
WHERE id = (SELECT job_id FROM holds WHERE holds.id = :hold_id)
FOR NO KEY UPDATE;
