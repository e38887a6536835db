-- name: after_each
SELECT entry.job_id, entry.id, entry.ts, entry.type, entry.payload, entry.public_payload
FROM UNNEST(:job_ids::text[], :after::bigint[]) AS wanted (job_id, after)
CROSS JOIN LATERAL (
    SELECT newer.*, SUM(LENGTH(payload)) OVER (ORDER BY id) AS total
    FROM (
        SELECT * FROM events
        WHERE events.job_id = wanted.job_id AND events.id > wanted.after
        ORDER BY events.id LIMIT :limit
    ) AS newer
) AS entry
WHERE entry.total <= :most_bytes
ORDER BY entry.job_id, entry.id;

-- name: reached
SELECT id, last_event_id FROM jobs WHERE id = ANY(:job_ids);
