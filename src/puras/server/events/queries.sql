-- name: advance
UPDATE jobs
SET last_event_id = last_event_id + :count,
    log_events = log_events + :logs,
    steps = steps + :steps
WHERE id = :job_id AND attempt = :attempt AND status = 'running'
RETURNING last_event_id;

-- name: insert
INSERT INTO events (job_id, id, ts, type, payload, public_payload)
VALUES (:job_id, :id, :ts, :type, :payload, :public_payload);

-- name: page
-- The first event always, and as many more as fit into :most_bytes.
SELECT job_id, id, ts, type, payload, public_payload
FROM (
    SELECT first.*, LENGTH(payload) AS size, SUM(LENGTH(payload)) OVER (ORDER BY id) AS total
    FROM (
        SELECT * FROM events WHERE job_id = :job_id AND id > :after ORDER BY id LIMIT :limit
    ) AS first
) AS measured
WHERE total <= :most_bytes OR total = size
ORDER BY id;
