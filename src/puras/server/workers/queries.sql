-- name: beat
INSERT INTO workers (id, places, started_at, seen_at) VALUES (:id, :places, :now, :now)
ON CONFLICT (id) DO UPDATE SET places = excluded.places, seen_at = excluded.seen_at;

-- name: leave
DELETE FROM workers WHERE id = :id;

-- name: forget
DELETE FROM workers WHERE seen_at < :before;

-- name: alive
SELECT workers.*, (
    SELECT COUNT(*) FROM jobs
    WHERE jobs.worker_id = workers.id AND jobs.status = 'running'
      AND jobs.workspace_id = :workspace_id) AS running
FROM workers
WHERE workers.seen_at > :since
ORDER BY workers.started_at, workers.id;

-- name: queue
-- What waits for its turn in a suite of evals counts as queued.
SELECT COUNT(CASE WHEN status = 'queued'
                   AND (parked = 0 OR (suite_id IS NOT NULL AND attempt = 0)) THEN 1 END) AS queued,
       COUNT(CASE WHEN parked = 1 AND (suite_id IS NULL OR attempt > 0) THEN 1 END) AS parked,
       COUNT(CASE WHEN status = 'running' THEN 1 END) AS running,
       MIN(CASE WHEN status = 'queued' AND parked = 0 THEN created_at END) AS oldest
FROM jobs
WHERE workspace_id = :workspace_id AND status IN ('queued', 'running');
