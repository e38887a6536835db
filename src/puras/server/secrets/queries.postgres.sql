-- name: sealed_otherwise
-- Whoever sets one of them meanwhile waits, so that its old value does not come back.
SELECT * FROM secrets WHERE key_id <> :key_id ORDER BY skillpack_id, name FOR UPDATE;
