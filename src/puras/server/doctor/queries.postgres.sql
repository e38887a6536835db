-- name: endings
SELECT jobs.id
FROM jobs LEFT JOIN events
  ON events.job_id = jobs.id AND events.type = 'status'
     AND events.payload::json ->> 'status' IN ('succeeded', 'failed', 'cancelled')
GROUP BY jobs.id, jobs.status, jobs.last_event_id
HAVING COUNT(events.id) <> CASE WHEN jobs.status IN ('queued', 'running') THEN 0 ELSE 1 END
    OR MAX(events.id) <> jobs.last_event_id
ORDER BY jobs.id LIMIT 100;
