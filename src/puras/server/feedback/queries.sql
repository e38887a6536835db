-- name: upsert
INSERT INTO feedback (job_id, rater, end_user_id, rating, comment, created_at, updated_at)
VALUES (:job_id, :rater, :end_user_id, :rating, :comment, :now, :now)
ON CONFLICT (job_id, rater) DO UPDATE
SET rating = excluded.rating, comment = excluded.comment, updated_at = excluded.updated_at
RETURNING *;
