-- name: insert
INSERT INTO workspaces (id, slug, name, created_at)
VALUES (:id, :slug, :name, :created_at);

-- name: by_id
SELECT * FROM workspaces WHERE id = :id;

-- name: by_slug
SELECT * FROM workspaces WHERE slug = :slug;

-- name: limit
UPDATE workspaces SET concurrency = :concurrency WHERE id = :id;

-- name: every
SELECT * FROM workspaces ORDER BY id;
