-- Servers share the table, and the clock of one of them may be wrong: holds go by the database's.

-- name: begin
INSERT INTO idempotency
    (key_id, method, path, idempotency_key, fingerprint, status, created_at, holder, held_until)
VALUES (
    :key_id, :method, :path, :idempotency_key, :fingerprint, 0, :now, :holder,
    (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint + :hold
)
ON CONFLICT (key_id, method, path, idempotency_key) DO UPDATE
SET created_at = excluded.created_at, holder = excluded.holder, held_until = excluded.held_until
WHERE idempotency.resource_id IS NULL
  AND COALESCE(idempotency.held_until, idempotency.created_at + 3600000000)
    < (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint
  AND idempotency.fingerprint = excluded.fingerprint;

-- name: hold
UPDATE idempotency
SET held_until = (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint + :hold
WHERE key_id = :key_id AND method = :method AND path = :path
  AND idempotency_key = :idempotency_key AND holder = :holder AND resource_id IS NULL;
