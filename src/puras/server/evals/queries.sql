-- name: insert
INSERT INTO eval_suites (id, workspace_id, skillpack_id, skill_name, deployment_id, version, key_id,
                         repeat, threshold, total_runs, graders, cases, created_at)
VALUES (:id, :workspace_id, :skillpack_id, :skill_name, :deployment_id, :version, :key_id, :repeat,
        :threshold, :total_runs, :graders, :cases, :created_at);

-- name: mark
UPDATE jobs SET suite_id = :suite_id, eval_case = :eval_case, parked = :parked WHERE id = :id;

-- name: get
SELECT eval_suites.*, skillpacks.slug AS skillpack
FROM eval_suites JOIN skillpacks ON skillpacks.id = eval_suites.skillpack_id
WHERE eval_suites.id = :id AND eval_suites.workspace_id = :workspace_id;

-- name: page
SELECT eval_suites.*, skillpacks.slug AS skillpack
FROM eval_suites JOIN skillpacks ON skillpacks.id = eval_suites.skillpack_id
WHERE eval_suites.skillpack_id = :skillpack_id
  AND (CAST(:skill AS TEXT) IS NULL OR eval_suites.skill_name = :skill)
  AND (CAST(:before AS TEXT) IS NULL OR eval_suites.id < :before)
ORDER BY eval_suites.id DESC
LIMIT :limit;

-- name: latest
SELECT eval_suites.*, skillpacks.slug AS skillpack
FROM eval_suites JOIN skillpacks ON skillpacks.id = eval_suites.skillpack_id
WHERE eval_suites.skillpack_id = :skillpack_id AND eval_suites.skill_name = :skill
  AND eval_suites.version = :version AND eval_suites.cancelled_at IS NULL
ORDER BY eval_suites.id DESC
LIMIT 1;

-- name: runs
SELECT id, eval_case, status, eval_score, eval_results, error, cost_micros, attempt, started_at,
       finished_at
FROM jobs WHERE suite_id = :suite_id ORDER BY id;

-- name: lock_unfinished
SELECT id FROM jobs
WHERE suite_id = :suite_id AND status IN ('queued', 'running')
ORDER BY id;

-- name: cancel
UPDATE eval_suites SET cancelled_at = :now WHERE id = :id AND cancelled_at IS NULL;
