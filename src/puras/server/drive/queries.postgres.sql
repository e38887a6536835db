-- name: lock_path
SELECT pg_advisory_xact_lock(hashtextextended(:workspace_id || '/' || :path, 0));
