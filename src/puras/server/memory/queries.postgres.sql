-- name: search
SELECT * FROM memories
WHERE to_tsvector('simple', words) @@ to_tsquery('simple', :terms)
  AND workspace_id = :workspace_id AND skillpack_id = :skillpack_id
  AND skill_name IN (:skill_name, '')
ORDER BY ts_rank(to_tsvector('simple', words), to_tsquery('simple', :terms)) DESC,
         updated_at DESC, number DESC
LIMIT :limit;
