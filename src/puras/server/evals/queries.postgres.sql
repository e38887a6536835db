-- name: lock_unfinished
-- All of them first, and always in this order, so that none of them ends meanwhile.
SELECT id FROM jobs
WHERE suite_id = :suite_id AND status IN ('queued', 'running')
ORDER BY id
FOR NO KEY UPDATE;
