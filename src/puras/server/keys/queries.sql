-- name: find_caller
-- One row for each allowed skill, one with NULLs where there is none: still a single lookup.
SELECT keys.*, workspaces.slug AS workspace, allowed.skillpack_id, allowed.skill_name
FROM keys
JOIN workspaces ON workspaces.id = keys.workspace_id
LEFT JOIN key_skills AS allowed ON allowed.key_id = keys.id
WHERE keys.prefix = :prefix;

-- name: insert
INSERT INTO keys
    (id, workspace_id, name, kind, prefix, secret_hash, origin, all_skills, daily_cap_micros,
     rate_per_minute, concurrency, allowed_origins, expires_at, created_at)
VALUES
    (:id, :workspace_id, :name, :kind, :prefix, :secret_hash, :origin, :all_skills,
     :daily_cap_micros, :rate_per_minute, :concurrency, :allowed_origins, :expires_at, :now);

-- name: insert_skill
INSERT INTO key_skills (key_id, skillpack_id, skill_name, path)
VALUES (:key_id, :skillpack_id, :skill_name, :path);

-- name: delete_skills
DELETE FROM key_skills WHERE key_id = :key_id;

-- name: install
INSERT INTO keys (id, workspace_id, name, kind, prefix, secret_hash, origin, created_at)
VALUES (:id, :workspace_id, :name, :kind, :prefix, :secret_hash, :origin, :now)
ON CONFLICT (prefix) DO UPDATE
SET secret_hash = excluded.secret_hash, revoked_at = NULL
WHERE keys.origin = excluded.origin AND keys.workspace_id = excluded.workspace_id
RETURNING id;

-- name: revoke_others
UPDATE keys SET revoked_at = :now
WHERE origin = :origin AND prefix <> :prefix AND revoked_at IS NULL;

-- name: page
SELECT * FROM keys
WHERE workspace_id = :workspace_id AND id < :before
ORDER BY id DESC
LIMIT :limit;

-- name: get
SELECT * FROM keys WHERE workspace_id = :workspace_id AND id = :key_id;

-- name: get_to_change
SELECT * FROM keys WHERE workspace_id = :workspace_id AND id = :key_id;

-- name: skill_paths
SELECT path FROM key_skills WHERE key_id = :key_id ORDER BY path;

-- name: change
UPDATE keys
SET name = :name, all_skills = :all_skills, daily_cap_micros = :daily_cap_micros,
    rate_per_minute = :rate_per_minute, concurrency = :concurrency,
    allowed_origins = :allowed_origins, expires_at = :expires_at
WHERE id = :key_id;

-- name: revoke
UPDATE keys SET revoked_at = COALESCE(revoked_at, :now)
WHERE workspace_id = :workspace_id AND id = :key_id;

-- name: alive
SELECT id FROM keys
WHERE id = :key_id AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > :now);

-- name: touch
UPDATE keys SET last_used_at = :now
WHERE id = :key_id AND (last_used_at IS NULL OR last_used_at < :now);

-- name: count_submit
INSERT INTO key_submits (key_id, minute, count) VALUES (:key_id, :minute, 1)
ON CONFLICT (key_id, minute) DO UPDATE SET count = key_submits.count + 1
WHERE key_submits.count < :rate
RETURNING count;

-- name: prune_submits
DELETE FROM key_submits WHERE key_id = :key_id AND minute < :minute;
