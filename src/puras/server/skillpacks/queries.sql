-- name: insert
INSERT INTO skillpacks (id, workspace_id, slug, name, description, public, created_at)
VALUES (:id, :workspace_id, :slug, :name, :description, :public, :created_at);

-- name: by_id
SELECT skillpacks.*, workspaces.slug AS workspace
FROM skillpacks JOIN workspaces ON workspaces.id = skillpacks.workspace_id
WHERE skillpacks.id = :id AND deleted_at IS NULL;

-- name: by_id_to_change
SELECT skillpacks.*, workspaces.slug AS workspace
FROM skillpacks JOIN workspaces ON workspaces.id = skillpacks.workspace_id
WHERE skillpacks.id = :id AND deleted_at IS NULL;

-- name: by_slug
SELECT skillpacks.*, workspaces.slug AS workspace
FROM skillpacks JOIN workspaces ON workspaces.id = skillpacks.workspace_id
WHERE skillpacks.workspace_id = :workspace_id AND skillpacks.slug = :slug AND deleted_at IS NULL;

-- name: by_path
SELECT skillpacks.*, workspaces.slug AS workspace
FROM skillpacks JOIN workspaces ON workspaces.id = skillpacks.workspace_id
WHERE workspaces.slug = :workspace AND skillpacks.slug = :slug AND deleted_at IS NULL;

-- name: page
SELECT skillpacks.*, workspaces.slug AS workspace
FROM skillpacks JOIN workspaces ON workspaces.id = skillpacks.workspace_id
WHERE skillpacks.workspace_id = :workspace_id AND deleted_at IS NULL
  AND skillpacks.slug NOT LIKE '@%'
  AND (CAST(:before AS TEXT) IS NULL OR skillpacks.id < :before)
ORDER BY skillpacks.id DESC
LIMIT :limit;

-- name: update
UPDATE skillpacks
SET slug = :slug, name = :name, description = :description, public = :public
WHERE id = :id AND deleted_at IS NULL;

-- name: delete
UPDATE skillpacks SET deleted_at = :now, active_deployment_id = NULL
WHERE id = :id AND deleted_at IS NULL;
