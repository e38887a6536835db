-- name: put
INSERT INTO spans (job_id, span_id, parent_span_id, kind, name, started_at, duration_micros,
                   attributes)
SELECT id, :span_id, :parent_span_id, :kind, :name, :started_at, :duration_micros, :attributes
FROM jobs WHERE id = :job_id
ON CONFLICT (job_id, span_id) DO UPDATE
SET duration_micros = excluded.duration_micros, attributes = excluded.attributes;

-- name: of_job
SELECT spans.*, jobs.root_job_id
FROM spans JOIN jobs ON jobs.id = spans.job_id
WHERE spans.job_id = :job_id
ORDER BY spans.started_at, spans.span_id;
