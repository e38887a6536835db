-- name: names
SELECT name, updated_at FROM secrets WHERE skillpack_id = :skillpack_id ORDER BY name;

-- name: of_skillpack
-- With the version that they have at this moment, also where there are none: one row without a name.
SELECT skillpacks.secrets_version, secrets.*
FROM skillpacks LEFT JOIN secrets ON secrets.skillpack_id = skillpacks.id
WHERE skillpacks.id = :skillpack_id
ORDER BY secrets.name;

-- name: put
INSERT INTO secrets (skillpack_id, name, key_id, sealed, updated_at)
VALUES (:skillpack_id, :name, :key_id, :sealed, :now)
ON CONFLICT (skillpack_id, name) DO UPDATE
SET key_id = excluded.key_id, sealed = excluded.sealed, updated_at = excluded.updated_at;

-- name: delete
DELETE FROM secrets WHERE skillpack_id = :skillpack_id AND name = :name;

-- name: delete_all
DELETE FROM secrets WHERE skillpack_id = :skillpack_id;

-- name: move_version
UPDATE skillpacks SET secrets_version = secrets_version + 1 WHERE id = :skillpack_id;

-- name: every
SELECT * FROM secrets ORDER BY skillpack_id, name;

-- name: sealed_otherwise
SELECT * FROM secrets WHERE key_id <> :key_id ORDER BY skillpack_id, name;

-- name: reseal
UPDATE secrets SET key_id = :key_id, sealed = :sealed
WHERE skillpack_id = :skillpack_id AND name = :name;
