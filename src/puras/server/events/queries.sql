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
SELECT job_id, id, ts, type, payload, public_payload
FROM events
WHERE job_id = :job_id AND id > :after
ORDER BY id
LIMIT :limit;
