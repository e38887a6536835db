-- name: by_id_to_change
-- Whoever changes a skillpack, or which of its deployments is active or there, holds its row.
SELECT skillpacks.*, workspaces.slug AS workspace
FROM skillpacks JOIN workspaces ON workspaces.id = skillpacks.workspace_id
WHERE skillpacks.id = :id AND deleted_at IS NULL
FOR NO KEY UPDATE OF skillpacks;
