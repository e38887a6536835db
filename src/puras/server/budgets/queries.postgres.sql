-- name: lock_wallet
SELECT id FROM workspaces WHERE id = :workspace_id FOR NO KEY UPDATE;

-- name: get_to_change
-- Changes and alerts come one after the other, so that none takes back what another one set.
SELECT * FROM budgets WHERE workspace_id = :workspace_id AND id = :id FOR NO KEY UPDATE;
