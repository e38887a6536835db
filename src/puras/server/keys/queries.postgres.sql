-- name: get_to_change
-- Two changes at once come one after the other, so that none takes back what the other set.
SELECT * FROM keys WHERE workspace_id = :workspace_id AND id = :key_id FOR NO KEY UPDATE;
