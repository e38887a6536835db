-- name: jobs_by_status
SELECT status, COUNT(*) AS count FROM jobs
WHERE status IN ('queued', 'running') GROUP BY status;

-- name: quick_check
PRAGMA quick_check(1);
