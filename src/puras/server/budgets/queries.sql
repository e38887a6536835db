-- name: lock_wallet
-- Changes nothing: it takes the row's lock where transactions run side by side, as each hold does.
UPDATE workspaces SET balance_micros = balance_micros WHERE id = :workspace_id;

-- name: insert
INSERT INTO budgets (id, workspace_id, scope, skillpack_id, skillpack, skill_name, time_window,
                     limit_micros, alert_pct, enforce, enabled, created_at)
VALUES (:id, :workspace_id, :scope, :skillpack_id, :skillpack, :skill_name, :time_window,
        :limit_micros, :alert_pct, :enforce, :enabled, :created_at);

-- name: page
SELECT * FROM budgets
WHERE workspace_id = :workspace_id AND (CAST(:before AS TEXT) IS NULL OR id < :before)
ORDER BY id DESC
LIMIT :limit;

-- name: get
SELECT * FROM budgets WHERE workspace_id = :workspace_id AND id = :id;

-- name: get_to_change
SELECT * FROM budgets WHERE workspace_id = :workspace_id AND id = :id;

-- name: change
UPDATE budgets
SET time_window = :time_window, limit_micros = :limit_micros, alert_pct = :alert_pct,
    enforce = :enforce, enabled = :enabled, alerted_at = :alerted_at
WHERE id = :id;

-- name: delete
DELETE FROM budgets WHERE workspace_id = :workspace_id AND id = :id;

-- name: that_count
SELECT * FROM budgets
WHERE workspace_id = :workspace_id AND enabled = 1
  AND (skillpack_id IS NULL OR skillpack_id = :skillpack_id)
  AND (skill_name IS NULL OR skill_name = :skill_name)
ORDER BY id;

-- name: spent
SELECT COALESCE(SUM(micros), 0) AS micros
FROM spending
WHERE workspace_id = :workspace_id AND day >= :first_day
  AND (CAST(:skillpack_id AS TEXT) IS NULL OR skillpack_id = :skillpack_id)
  AND (CAST(:skill_name AS TEXT) IS NULL OR skill_name = :skill_name);

-- name: alert
-- Of two that saw the same alert coming, the second finds that it was given.
UPDATE budgets SET alerted_at = :now
WHERE id = :id AND (alerted_at IS NULL OR alerted_at < :began);

-- name: add_spending
INSERT INTO spending (workspace_id, day, skillpack_id, skill_name, micros)
VALUES (:workspace_id, :day, :skillpack_id, :skill_name, :micros)
ON CONFLICT (workspace_id, day, skillpack_id, skill_name)
DO UPDATE SET micros = spending.micros + excluded.micros;

-- name: take_off_spending
UPDATE spending SET micros = micros - :micros
WHERE workspace_id = :workspace_id AND day = :day
  AND skillpack_id = :skillpack_id AND skill_name = :skill_name;
