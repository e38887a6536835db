-- name: insert_link
INSERT INTO sign_in_links (token_hash, key_id, expires_at)
VALUES (:token_hash, :key_id, :expires_at);

-- name: use_link
DELETE FROM sign_in_links WHERE token_hash = :token_hash AND expires_at > :now
RETURNING key_id;

-- name: operators_key
-- The key of the bootstrap setting, else that of the first start; never one that is not good.
SELECT id FROM keys
WHERE origin IN ('first', 'bootstrap') AND revoked_at IS NULL
  AND (expires_at IS NULL OR expires_at > :now)
ORDER BY origin, id DESC
LIMIT 1;

-- name: prefix_of
SELECT prefix FROM keys WHERE id = :key_id;

-- name: insert
INSERT INTO sessions (id, key_id, key_hash, cookie_hash, rotated_at, user_agent, last_used_at,
                      expires_at, created_at)
VALUES (:id, :key_id, :key_hash, :cookie_hash, :now, :user_agent, :now, :expires_at, :now);

-- name: by_cookie
SELECT sessions.*, keys.prefix
FROM sessions JOIN keys ON keys.id = sessions.key_id
WHERE (sessions.cookie_hash = :cookie_hash OR sessions.former_hash = :cookie_hash)
  AND sessions.expires_at > :now AND keys.secret_hash = sessions.key_hash;

-- name: by_cookie_to_change
SELECT sessions.*, keys.prefix
FROM sessions JOIN keys ON keys.id = sessions.key_id
WHERE (sessions.cookie_hash = :cookie_hash OR sessions.former_hash = :cookie_hash)
  AND sessions.expires_at > :now AND keys.secret_hash = sessions.key_hash;

-- name: rotate
UPDATE sessions
SET cookie_hash = :cookie_hash, former_hash = :former_hash, rotated_at = :now
WHERE id = :id;

-- name: touch
UPDATE sessions SET last_used_at = :now WHERE id = :id;

-- name: insert_token
INSERT INTO session_tokens (token_hash, session_id, expires_at)
VALUES (:token_hash, :session_id, :expires_at);

-- name: prune_tokens
DELETE FROM session_tokens
WHERE session_id = :session_id AND token_hash NOT IN (
    SELECT token_hash FROM session_tokens
    WHERE session_id = :session_id AND expires_at > :now
    ORDER BY expires_at DESC LIMIT :most);

-- name: by_token
SELECT sessions.id, keys.prefix
FROM session_tokens
JOIN sessions ON sessions.id = session_tokens.session_id
JOIN keys ON keys.id = sessions.key_id
WHERE session_tokens.token_hash = :token_hash AND session_tokens.expires_at > :now
  AND sessions.expires_at > :now AND keys.secret_hash = sessions.key_hash;

-- name: alive
SELECT sessions.id FROM sessions JOIN keys ON keys.id = sessions.key_id
WHERE sessions.id = :id AND sessions.expires_at > :now AND keys.secret_hash = sessions.key_hash;

-- name: of_key
SELECT * FROM sessions WHERE key_id = :key_id AND expires_at > :now ORDER BY id DESC LIMIT :most;

-- name: delete
DELETE FROM sessions WHERE id = :id AND key_id = :key_id;

-- name: delete_by_cookie
DELETE FROM sessions WHERE cookie_hash = :cookie_hash OR former_hash = :cookie_hash;

-- name: count_failure
INSERT INTO sign_in_failures (sender, minute, count) VALUES (:sender, :minute, 1)
ON CONFLICT (sender, minute) DO UPDATE SET count = sign_in_failures.count + 1
WHERE sign_in_failures.count < :most
RETURNING count;

-- name: forget_failures
DELETE FROM sign_in_failures WHERE sender = :sender;

-- name: prune_sessions
DELETE FROM sessions WHERE expires_at <= :now;

-- name: prune_links
DELETE FROM sign_in_links WHERE expires_at <= :now;

-- name: prune_failures
DELETE FROM sign_in_failures WHERE minute < :minute;
