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

-- name: begin
-- Servers of before schema 7 name no end of their work: they get an hour.
INSERT INTO idempotency
    (key_id, method, path, idempotency_key, fingerprint, status, created_at, holder, held_until)
VALUES
    (:key_id, :method, :path, :idempotency_key, :fingerprint, 0, :now, :holder, :now + :hold)
ON CONFLICT (key_id, method, path, idempotency_key) DO UPDATE
SET created_at = excluded.created_at, holder = excluded.holder, held_until = excluded.held_until
WHERE idempotency.resource_id IS NULL
  AND COALESCE(idempotency.held_until, idempotency.created_at + 3600000000) < :now
  AND idempotency.fingerprint = excluded.fingerprint;

-- name: hold
UPDATE idempotency
SET held_until = :now + :hold
WHERE key_id = :key_id AND method = :method AND path = :path
  AND idempotency_key = :idempotency_key AND holder = :holder AND resource_id IS NULL;

-- name: finish
UPDATE idempotency
SET status = :status, resource_id = :resource_id, held_until = NULL
WHERE key_id = :key_id AND method = :method AND path = :path
  AND idempotency_key = :idempotency_key AND holder = :holder AND resource_id IS NULL;

-- name: abandon
DELETE FROM idempotency
WHERE key_id = :key_id AND method = :method AND path = :path
  AND idempotency_key = :idempotency_key AND holder = :holder AND resource_id IS NULL;

-- name: abandon_all
DELETE FROM idempotency WHERE resource_id IS NULL;

-- name: prune
DELETE FROM idempotency WHERE created_at < :before;
