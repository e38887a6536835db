-- name: own_packs
SELECT id FROM skillpacks
WHERE workspace_id = :workspace_id AND deleted_at IS NULL AND active_deployment_id IS NOT NULL
ORDER BY slug;

-- name: called
-- What runs, waits for a place and waits for a person has an index each.
SELECT id FROM jobs
WHERE workspace_id = :workspace_id AND status = 'running' AND source = :source AND key_id = :key_id
UNION ALL
SELECT id FROM jobs
WHERE workspace_id = :workspace_id AND status = 'queued' AND parked = 0 AND source = :source
  AND key_id = :key_id
UNION ALL
SELECT id FROM jobs
WHERE workspace_id = :workspace_id AND parked = 1 AND source = :source AND key_id = :key_id;
