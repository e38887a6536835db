-- name: queue
SELECT type AS kind, COUNT(*) AS jobs, MIN(created_at) AS oldest
FROM jobs WHERE status = 'queued' AND parked = 0
GROUP BY type;
