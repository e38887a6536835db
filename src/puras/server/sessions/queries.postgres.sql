-- name: by_cookie_to_change
-- Two tabs that renew at once come one after the other, so that only the first moves the cookie.
SELECT sessions.*, keys.prefix
FROM sessions JOIN keys ON keys.id = sessions.key_id
WHERE (sessions.cookie_hash = :cookie_hash OR sessions.former_hash = :cookie_hash)
  AND sessions.expires_at > :now AND keys.secret_hash = sessions.key_hash
FOR NO KEY UPDATE OF sessions;
