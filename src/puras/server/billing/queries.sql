-- name: balance
SELECT balance_micros FROM workspaces WHERE id = :workspace_id;

-- name: lock_wallet
-- Changes nothing: it takes the row's lock where transactions run side by side, so that all holds
-- of a workspace, and its ledger rows, come one after the other.
UPDATE workspaces SET balance_micros = balance_micros
WHERE id = (SELECT workspace_id FROM jobs WHERE id = :job_id);

-- name: move_balance
UPDATE workspaces SET balance_micros = balance_micros + :amount_micros WHERE id = :workspace_id;

-- name: insert_ledger
INSERT INTO ledger (id, workspace_id, kind, amount_micros, job_id, note, created_at)
VALUES (:id, :workspace_id, :kind, :amount_micros, :job_id, :note, :created_at);

-- name: ledger
SELECT * FROM ledger WHERE workspace_id = :workspace_id ORDER BY id;

-- name: tied_up
SELECT COALESCE(SUM(COALESCE(cost_micros, held_micros)), 0) AS micros
FROM holds WHERE workspace_id = :workspace_id AND state <> 'closed';

-- name: key_spent
SELECT COALESCE(SUM(COALESCE(cost_micros, held_micros)), 0) AS micros
FROM holds WHERE key_id = :key_id AND day = :day;

-- name: workspace_spent
SELECT COALESCE(SUM(COALESCE(cost_micros, held_micros)), 0) AS micros
FROM holds WHERE workspace_id = :workspace_id AND day = :day;

-- name: tree_spent
SELECT COALESCE(SUM(COALESCE(cost_micros, held_micros)), 0) AS micros
FROM holds WHERE root_job_id = :root_job_id;

-- name: payer
SELECT job.workspace_id, job.root_job_id, root.key_id, root.skillpack_id, root.skill_name,
       keys.daily_cap_micros, workspaces.balance_micros
FROM jobs AS job
JOIN jobs AS root ON root.id = job.root_job_id
JOIN workspaces ON workspaces.id = job.workspace_id
LEFT JOIN keys ON keys.id = root.key_id
WHERE job.id = :job_id AND job.finished_at IS NULL;

-- name: insert_hold
INSERT INTO holds (id, job_id, root_job_id, workspace_id, key_id, day, held_micros, created_at)
VALUES (:id, :job_id, :root_job_id, :workspace_id, :key_id, :day, :held_micros, :created_at);

-- name: settle
UPDATE holds
SET state = 'settled',
    cost_micros = CASE WHEN :cost_micros < held_micros THEN :cost_micros ELSE held_micros END
WHERE id = :hold_id AND state = 'open'
RETURNING job_id, root_job_id, workspace_id, day, held_micros, cost_micros;

-- name: spender
SELECT workspace_id, skillpack_id, skill_name FROM jobs WHERE id = :root_job_id;

-- name: open_by_day
SELECT root_job_id, day, SUM(held_micros) AS micros
FROM holds WHERE job_id = :job_id AND state = 'open' GROUP BY root_job_id, day ORDER BY day;

-- name: add_job_cost
UPDATE jobs SET cost_micros = cost_micros + :cost_micros WHERE id = :job_id;

-- name: settled_cost
SELECT workspace_id, SUM(cost_micros) AS micros
FROM holds WHERE job_id = :job_id AND state = 'settled' GROUP BY workspace_id;

-- name: close
UPDATE holds SET state = 'closed', cost_micros = COALESCE(cost_micros, 0)
WHERE job_id = :job_id AND state <> 'closed';

-- name: audit_balances
SELECT workspaces.slug, workspaces.balance_micros,
       COALESCE((SELECT SUM(amount_micros) FROM ledger
                 WHERE ledger.workspace_id = workspaces.id), 0) AS ledger_micros
FROM workspaces ORDER BY workspaces.id;

-- name: audit_holds
SELECT holds.job_id, COUNT(*) AS count
FROM holds JOIN jobs ON jobs.id = holds.job_id
WHERE holds.state <> 'closed' AND jobs.finished_at IS NOT NULL
GROUP BY holds.job_id ORDER BY holds.job_id;
