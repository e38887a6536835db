-- name: find
SELECT fingerprint, status, resource_id
FROM idempotency
WHERE key_id = :key_id AND method = :method AND path = :path
  AND idempotency_key = :idempotency_key;

-- name: remember
INSERT INTO idempotency
    (key_id, method, path, idempotency_key, fingerprint, status, resource_id, created_at)
VALUES
    (:key_id, :method, :path, :idempotency_key, :fingerprint, :status, :resource_id, :now)
ON CONFLICT (key_id, method, path, idempotency_key) DO NOTHING;

-- name: finish
UPDATE idempotency
SET status = :status, resource_id = :resource_id
WHERE key_id = :key_id AND method = :method AND path = :path
  AND idempotency_key = :idempotency_key AND resource_id IS NULL;

-- name: abandon
DELETE FROM idempotency
WHERE key_id = :key_id AND method = :method AND path = :path
  AND idempotency_key = :idempotency_key AND resource_id IS NULL;

-- name: abandon_all
DELETE FROM idempotency WHERE resource_id IS NULL;

-- name: abandon_older
DELETE FROM idempotency WHERE resource_id IS NULL AND created_at < :before;

-- name: prune
DELETE FROM idempotency WHERE created_at < :before;
