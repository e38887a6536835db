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

-- name: lost_runs
SELECT id FROM jobs WHERE status = 'running' AND lease_until < :now ORDER BY id LIMIT 100;

-- name: gaps
-- Event ids count 1, 2, 3 … to the one that the job's row names.
SELECT jobs.id
FROM jobs LEFT JOIN events ON events.job_id = jobs.id
GROUP BY jobs.id, jobs.last_event_id
HAVING COUNT(events.id) <> jobs.last_event_id OR COALESCE(MAX(events.id), 0) <> jobs.last_event_id
ORDER BY jobs.id LIMIT 100;

-- name: endings
-- A job that is over has one event that says so, and it is the last one.
SELECT jobs.id
FROM jobs LEFT JOIN events
  ON events.job_id = jobs.id AND events.type = 'status'
     AND json_extract(events.payload, '$.status') IN ('succeeded', 'failed', 'cancelled')
GROUP BY jobs.id, jobs.status, jobs.last_event_id
HAVING COUNT(events.id) <> CASE WHEN jobs.status IN ('queued', 'running') THEN 0 ELSE 1 END
    OR MAX(events.id) <> jobs.last_event_id
ORDER BY jobs.id LIMIT 100;

-- name: holds
SELECT DISTINCT jobs.id
FROM holds JOIN jobs ON jobs.id = holds.job_id
WHERE holds.state <> 'closed' AND jobs.finished_at IS NOT NULL
ORDER BY jobs.id LIMIT 100;

-- name: late_approvals
SELECT DISTINCT jobs.id
FROM approvals JOIN jobs ON jobs.id = approvals.job_id
WHERE approvals.status = 'pending' AND jobs.finished_at IS NOT NULL
ORDER BY jobs.id LIMIT 100;

-- name: expire_approvals
UPDATE approvals SET status = 'expired', decided_at = :now
WHERE job_id = :job_id AND status = 'pending';

-- name: orphans
SELECT jobs.id
FROM jobs JOIN jobs AS parent ON parent.id = jobs.parent_job_id
WHERE jobs.finished_at IS NULL AND parent.finished_at IS NOT NULL
ORDER BY jobs.id LIMIT 100;

-- name: waiting_for_nobody
SELECT id FROM jobs
WHERE status = 'running' AND waiting = 1
  AND NOT EXISTS (SELECT 1 FROM jobs AS child
                  WHERE child.parent_job_id = jobs.id AND child.finished_at IS NULL)
ORDER BY id LIMIT 100;

-- name: wait_no_more
UPDATE jobs SET waiting = 0 WHERE id = :job_id AND waiting = 1
  AND NOT EXISTS (SELECT 1 FROM jobs AS child
                  WHERE child.parent_job_id = :job_id AND child.finished_at IS NULL);
