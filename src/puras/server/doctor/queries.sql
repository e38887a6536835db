-- name: unfinished
-- What waits for its turn in a suite of evals counts as queued.
SELECT COUNT(CASE WHEN status = 'queued'
                   AND (parked = 0 OR (suite_id IS NOT NULL AND attempt = 0)) THEN 1 END) AS queued,
       COUNT(CASE WHEN status = 'running' THEN 1 END) AS running,
       COUNT(CASE WHEN parked = 1 AND (suite_id IS NULL OR attempt > 0) THEN 1 END) AS parked
FROM jobs
WHERE status IN ('queued', 'running');

-- name: unasked
-- Parked jobs that nothing can let go on.
SELECT id FROM jobs
WHERE parked = 1
  AND NOT EXISTS (SELECT 1 FROM approvals a WHERE a.job_id = jobs.id AND a.status = 'pending')
  AND NOT (attempt = 0 AND EXISTS (
      SELECT 1 FROM jobs other
      WHERE other.suite_id = jobs.suite_id AND other.status IN ('queued', 'running')
        AND (other.parked = 0 OR other.attempt > 0)))
ORDER BY id
LIMIT 10;

-- name: quick_check
PRAGMA quick_check(1);
