-- name: next_version
UPDATE skillpacks SET last_version = last_version + 1
WHERE id = :skillpack_id AND workspace_id = :workspace_id AND deleted_at IS NULL
RETURNING last_version;

-- name: insert
INSERT INTO deployments (id, skillpack_id, workspace_id, version, size_bytes, sha256, notes,
                         manifest, requirements, created_at)
VALUES (:id, :skillpack_id, :workspace_id, :version, :size_bytes, :sha256, :notes,
        :manifest, :requirements, :created_at);

-- name: activate
UPDATE skillpacks SET active_deployment_id = :deployment_id WHERE id = :skillpack_id;

-- name: by_id
SELECT deployments.*, (skillpacks.active_deployment_id = deployments.id) AS is_active
FROM deployments JOIN skillpacks ON skillpacks.id = deployments.skillpack_id
WHERE deployments.id = :id AND deployments.deleted_at IS NULL;

-- name: by_version
SELECT deployments.*, (skillpacks.active_deployment_id = deployments.id) AS is_active
FROM deployments JOIN skillpacks ON skillpacks.id = deployments.skillpack_id
WHERE skillpack_id = :skillpack_id AND version = :version AND deployments.deleted_at IS NULL;

-- name: active
SELECT deployments.*, 1 AS is_active
FROM deployments JOIN skillpacks ON skillpacks.active_deployment_id = deployments.id
WHERE skillpacks.id = :skillpack_id AND deployments.deleted_at IS NULL;

-- name: page
SELECT deployments.*, (skillpacks.active_deployment_id = deployments.id) AS is_active
FROM deployments JOIN skillpacks ON skillpacks.id = deployments.skillpack_id
WHERE skillpack_id = :skillpack_id AND deployments.deleted_at IS NULL
  AND (CAST(:before AS TEXT) IS NULL OR deployments.id < :before)
ORDER BY deployments.id DESC
LIMIT :limit;

-- name: every
SELECT deployments.*, (skillpacks.active_deployment_id = deployments.id) AS is_active
FROM deployments JOIN skillpacks ON skillpacks.id = deployments.skillpack_id
WHERE skillpack_id = :skillpack_id AND deployments.deleted_at IS NULL
ORDER BY version;

-- name: unfinished_job
SELECT id FROM jobs
WHERE deployment_id = :id AND status IN ('queued', 'running')
LIMIT 1;

-- name: delete
UPDATE deployments SET deleted_at = :now WHERE id = :id;

-- name: with_sha256
SELECT id FROM deployments WHERE sha256 = :sha256 AND deleted_at IS NULL LIMIT 1;

-- name: kept
SELECT id, workspace_id, requirements FROM deployments WHERE deleted_at IS NULL;

-- name: every_sha256
SELECT DISTINCT sha256 FROM deployments WHERE deleted_at IS NULL;
