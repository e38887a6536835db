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

-- name: ledger_page
SELECT * FROM ledger
WHERE workspace_id = :workspace_id AND id < :before
ORDER BY id DESC
LIMIT :limit;

-- name: tied_up
SELECT COALESCE(SUM(COALESCE(cost_micros, held_micros)), 0) AS micros
FROM holds WHERE workspace_id = :workspace_id AND state <> 'closed';

-- name: free_credits
SELECT balance_micros - (
    SELECT COALESCE(SUM(COALESCE(cost_micros, held_micros)), 0)
    FROM holds WHERE workspace_id = :workspace_id AND state <> 'closed'
) AS micros
FROM workspaces WHERE id = :workspace_id;

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
       keys.daily_cap_micros
FROM jobs AS job
JOIN jobs AS root ON root.id = job.root_job_id
LEFT JOIN keys ON keys.id = root.key_id
WHERE job.id = :job_id AND job.finished_at IS NULL;

-- name: insert_hold
INSERT INTO holds (id, job_id, root_job_id, workspace_id, key_id, day, held_micros, kind, label,
                   created_at)
VALUES (:id, :job_id, :root_job_id, :workspace_id, :key_id, :day, :held_micros, :kind, :label,
        :created_at);

-- name: lock_payer
-- Changes nothing: it takes the lock of a hold's job before that of the hold, as the job's end does.
SELECT job_id FROM holds WHERE id = :hold_id;

-- name: settle
UPDATE holds
SET state = 'settled',
    cost_micros = CASE WHEN :cost_micros < held_micros THEN :cost_micros ELSE held_micros END
WHERE id = :hold_id AND state = 'open'
RETURNING job_id, root_job_id, day, held_micros, cost_micros, kind, label;

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

-- name: costs
-- What a job paid, and what it holds right now, put together by what it was for.
SELECT kind, label, COUNT(*) AS calls, COALESCE(SUM(cost_micros), 0) AS cost_micros,
       COALESCE(SUM(CASE WHEN state = 'open' THEN held_micros END), 0) AS held_micros
FROM holds WHERE job_id = :job_id
GROUP BY kind, label
ORDER BY cost_micros DESC, kind, label;

-- name: spent_by_day
SELECT day, SUM(micros) AS micros FROM spending
WHERE workspace_id = :workspace_id AND day >= :first_day
GROUP BY day ORDER BY day;

-- name: spent_by_skill
SELECT spending.skillpack_id, skillpacks.slug, spending.skill_name, SUM(spending.micros) AS micros
FROM spending LEFT JOIN skillpacks ON skillpacks.id = spending.skillpack_id
WHERE spending.workspace_id = :workspace_id AND spending.day >= :first_day
GROUP BY spending.skillpack_id, skillpacks.slug, spending.skill_name
HAVING SUM(spending.micros) > 0
ORDER BY SUM(spending.micros) DESC, spending.skillpack_id, spending.skill_name;

-- name: spent_by_key
SELECT holds.key_id, keys.name, SUM(COALESCE(holds.cost_micros, holds.held_micros)) AS micros
FROM holds LEFT JOIN keys ON keys.id = holds.key_id
WHERE holds.workspace_id = :workspace_id AND holds.day >= :first_day
GROUP BY holds.key_id, keys.name
HAVING SUM(COALESCE(holds.cost_micros, holds.held_micros)) > 0
ORDER BY SUM(COALESCE(holds.cost_micros, holds.held_micros)) DESC, holds.key_id;
