-- name: get
SELECT * FROM memories
WHERE workspace_id = :workspace_id AND skillpack_id = :skillpack_id AND key = :key
  AND skill_name IN (:skill_name, '')
ORDER BY skill_name DESC
LIMIT 1;

-- name: search
SELECT memories.*
FROM memories_search JOIN memories ON memories.number = memories_search.rowid
WHERE memories_search MATCH :terms
  AND workspace_id = :workspace_id AND skillpack_id = :skillpack_id
  AND skill_name IN (:skill_name, '')
ORDER BY memories_search.rank, updated_at DESC, number DESC
LIMIT :limit;

-- name: newest
SELECT * FROM memories
WHERE workspace_id = :workspace_id AND skillpack_id = :skillpack_id
  AND skill_name IN (:skill_name, '')
ORDER BY updated_at DESC, number DESC
LIMIT :limit;

-- name: most_used
SELECT * FROM memories
WHERE workspace_id = :workspace_id AND skillpack_id = :skillpack_id
  AND skill_name IN (:skill_name, '') AND uses > 0
ORDER BY uses DESC, updated_at DESC, number DESC
LIMIT :limit;

-- name: count
SELECT COUNT(*) AS memories FROM memories
WHERE workspace_id = :workspace_id AND skillpack_id = :skillpack_id AND skill_name = :skill_name;

-- name: put
INSERT INTO memories (workspace_id, skillpack_id, skill_name, key, text, tags, words, created_at,
                      updated_at)
VALUES (:workspace_id, :skillpack_id, :skill_name, :key, :text, :tags, :words, :now, :now)
ON CONFLICT (workspace_id, skillpack_id, skill_name, key) DO UPDATE
SET text = excluded.text, tags = excluded.tags, words = excluded.words,
    updated_at = excluded.updated_at;

-- name: use
UPDATE memories SET uses = uses + 1 WHERE number = :number;

-- name: forget
DELETE FROM memories
WHERE workspace_id = :workspace_id AND skillpack_id = :skillpack_id AND skill_name = :skill_name
  AND key = :key;

-- name: delete_all
DELETE FROM memories WHERE skillpack_id = :skillpack_id;
