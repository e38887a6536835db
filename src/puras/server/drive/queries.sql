-- name: find
SELECT * FROM drive_files WHERE workspace_id = :workspace_id AND path = :path;

-- name: find_blob
SELECT * FROM drive_files WHERE blob = :blob;

-- name: lock_path
-- Where transactions run side by side: two that write the same path come one after the other.
SELECT 1 AS locked;

-- name: insert_or_replace
INSERT INTO drive_files (workspace_id, path, size_bytes, mime, blob, key_id, job_id, created_at)
VALUES (:workspace_id, :path, :size_bytes, :mime, :blob, :key_id, :job_id, :created_at)
ON CONFLICT (workspace_id, path) DO UPDATE
SET size_bytes = excluded.size_bytes, mime = excluded.mime, blob = excluded.blob,
    key_id = excluded.key_id, job_id = excluded.job_id, created_at = excluded.created_at;

-- name: page
SELECT * FROM drive_files
WHERE workspace_id = :workspace_id AND path >= :prefix AND path < :prefix_end AND path > :after
ORDER BY path
LIMIT :limit;

-- name: delete
DELETE FROM drive_files WHERE workspace_id = :workspace_id AND path = :path RETURNING blob;

-- name: every_blob
SELECT workspace_id, blob FROM drive_files;
