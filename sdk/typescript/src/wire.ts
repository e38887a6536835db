// Generated from src/puras/wire.py by scripts/contract.py: edit that file.

/**
 * Every shape that crosses the wire.
 *
 * Times are ISO-8601 UTC strings with microseconds, ids are UUIDv7 strings, money is an integer
 * number of micros (1 USD = 1,000,000); only fields that end in `_usd` have a fraction.
 */

export type JobStatus = "queued" | "running" | "succeeded" | "failed" | "cancelled";

export type JobType = "function" | "agentic";

export type KeyKind = "secret" | "publishable";

export type SessionPower = "narrow" | "limited" | "full";

export type LedgerKind = "grant" | "credit" | "debit";

export type SpendBy = "skill" | "day" | "key";

export type CostKind = "model" | "media" | "compute" | "eval" | "other";

export type FileChange = "added" | "changed" | "removed" | "same";

export type SpanKind = "run" | "step" | "llm" | "tool" | "function";

export type BudgetScope = "workspace" | "skillpack";

export type BudgetWindow = "day" | "month" | "rolling30" | "total";

export type ApprovalStatus = "pending" | "approved" | "denied" | "expired";

export type GraderKind = "check" | "rubric" | "exact_match" | "schema";

export type EvalStatus = "queued" | "running" | "completed" | "cancelled";

export type EvalChange = "regressed" | "improved" | "same" | "added" | "removed";

export type LogLevel = "debug" | "info" | "warning" | "error";

export type JobErrorCode =
  | "input_invalid"
  | "output_invalid"
  | "function_error"
  | "timeout"
  | "out_of_memory"
  | "worker_lost"
  | "cost_limit"
  | "step_limit"
  | "model_error"
  | "cancelled"
  | "deployment_broken";

export type EventType =
  | "status"
  | "step"
  | "model_response"
  | "tool_call"
  | "tool_result"
  | "log"
  | "progress"
  | "subagent_start"
  | "subagent_end"
  | "approval_required"
  | "approval_decided"
  | "resumed"
  | "evals";

/** One of several things wrong with a request. */
export interface Fault {
  path: string;
  message: string;
  file?: string;
}

/** The body of every answer that is not a success. `detail` says what to do next. */
export interface ErrorBody {
  detail: string;
  code: string;
  request_id: string;
  errors?: Fault[];
}

export interface Health {
  ok: boolean;
  service: string;
  version: string;
}

export interface Usage {
  input_tokens: number;
  output_tokens: number;
  cost_micros: number;
}

/** A file that the result names: where it is in the drive and a signed URL to read it. */
export interface OutputFile {
  name: string;
  drive_path: string;
  url: string;
  mime: string;
  size_bytes: number;
}

/** A run of a skill. `draft`: an offline draft stood in for its model. */
export interface Job {
  id: string;
  status: JobStatus;
  result: Record<string, unknown> | null;
  error: string | null;
  error_code: JobErrorCode | null;
  skill_name: string;
  created_at: string;
  started_at: string | null;
  finished_at: string | null;
  workspace_id: string;
  skillpack_id: string;
  skillpack: string;
  deployment_id: string;
  version: number;
  parent_job_id: string | null;
  type: JobType;
  inputs: Record<string, unknown>;
  outputs: OutputFile[];
  cost_micros: number;
  steps: number;
  usage: Usage;
  source: string | null;
  key_id: string | null;
  attempt: number;
  draft: boolean;
  eval_score: number | null;
  eval_results: Record<string, unknown>[] | null;
}

/** One entry of a job's log. Ids count 1, 2, 3 … within the job, without gaps. */
export interface JobEvent {
  id: number;
  job_id: string;
  ts: string;
  type: string;
  payload: Record<string, unknown>;
}

/**
 * A piece of a job's time. `trace_id` is the same for a root job and all below it.
 *
 * `duration_ms` is null while it is not over. A run's parent is the call that started its job.
 */
export interface Span {
  trace_id: string;
  span_id: string;
  parent_span_id: string | null;
  kind: SpanKind;
  name: string;
  started_at: string;
  duration_ms: number | null;
  attributes: Record<string, unknown>;
}

/** What `POST /v1/jobs` takes. Fields it does not know are ignored. */
export interface SubmitBody {
  skill?: string;
  prompt?: string;
  inputs?: Record<string, unknown> | null;
  source?: string | null;
}

/** `rating` is -1, 0 or 1; 0 needs a `comment`. */
export interface FeedbackBody {
  rating: -1 | 0 | 1;
  comment?: string | null;
  end_user_id?: string | null;
}

export interface Feedback {
  job_id: string;
  rating: number;
  comment: string | null;
  end_user_id: string | null;
  created_at: string;
  updated_at: string;
}

/** A `reason` is read by the agent. */
export interface ApprovalBody {
  decision: "approved" | "denied";
  reason?: string | null;
}

/**
 * A use of a tool that a person has to approve. `job_id` is the job that asks, which may be
 * below the one that was submitted; after `expires_at` no answer counts as a no.
 */
export interface Approval {
  id: string;
  job_id: string;
  tool_call_id: string;
  tool_name: string;
  tool_input: Record<string, unknown>;
  status: ApprovalStatus;
  reason: string | null;
  created_at: string;
  expires_at: string;
  decided_at: string | null;
}

export interface Skillpack {
  id: string;
  slug: string;
  name: string;
  description: string | null;
  active_deployment_id: string | null;
  public: boolean;
  created_at: string;
}

export interface SkillpackCreate {
  name: string;
  slug: string;
  description?: string | null;
  public?: boolean;
}

export interface SkillpackPatch {
  name?: string;
  slug?: string;
  description?: string | null;
  public?: boolean;
}

export interface SkillExample {
  title?: string;
  description?: string;
  inputs: Record<string, unknown>;
  outputs?: Record<string, unknown>;
}

/** A skill as a deployment's manifest lists it. `name` of a subskill is `parent/sub`. */
export interface ManifestSkill {
  name: string;
  type: JobType;
  title: string | null;
  description: string;
  entrypoint: string;
  input_schema: Record<string, unknown>;
  output_schema: Record<string, unknown> | null;
  examples: SkillExample[];
  timeout_seconds: number | null;
  process: "fresh" | "warm";
  concurrency?: number | null;
  needs: string[];
  parent: string | null;
  extra: Record<string, unknown>;
}

export interface Manifest {
  skills: ManifestSkill[];
}

export interface Deployment {
  id: string;
  version: number;
  is_active: boolean;
  size_bytes: number;
  notes: string | null;
  created_at: string;
  manifest: Manifest;
}

/**
 * A file of a version. Next to another version, `change` says how it got here from there;
 * of what was removed, size and hash are those of the other version.
 */
export interface BundleFile {
  path: string;
  size_bytes: number;
  sha256: string;
  change?: FileChange;
}

/** The files of a version by path; `base_version` is the one that they are compared with. */
export interface BundleFiles {
  version: number;
  base_version: number | null;
  files: BundleFile[];
}

/**
 * A file of a version, to be read. `text` is null for what is no UTF-8 text; `truncated` tells
 * that the file goes on after its first MiB.
 */
export interface BundleFileText {
  path: string;
  size_bytes: number;
  sha256: string;
  text: string | null;
  truncated: boolean;
}

/** Where to fetch a version's bundle as a zip; the URL needs no key until it expires. */
export interface Pulled {
  download_url: string;
  version: number;
}

/** A secret's name; its value is never shown. */
export interface Secret {
  name: string;
  updated_at: string;
}

/** `name` is an environment variable's, of A-Z, 0-9 and `_`; `value` has at most 64 KiB. */
export interface SecretBody {
  name: string;
  value: string;
}

/**
 * How to call a skill, ready to be copied. `python`, `typescript` and `curl` take the key from
 * `PURAS_API_KEY`; `react` is a component, and `mcp` the settings of a client of the Model Context
 * Protocol, each with a place for it.
 */
export interface Snippets {
  python: string;
  typescript: string;
  react: string;
  curl: string;
  mcp: string;
}

/** What a caller needs to know of a skill. `path` is how it is called from any workspace. */
export interface SkillCard {
  path: string;
  workspace: string;
  skillpack: string;
  skill: string;
  title: string | null;
  description: string;
  type: JobType;
  version: number;
  public: boolean;
  concurrency: number | null;
  input_schema: Record<string, unknown>;
  output_schema: Record<string, unknown> | null;
  examples: SkillExample[];
  snippets: Snippets;
}

export interface Key {
  id: string;
  name: string;
  kind: KeyKind;
  prefix: string;
  skills: "all" | string[];
  daily_cap_usd: number | null;
  spent_today_micros: number;
  rate_per_minute: number | null;
  concurrency: number | null;
  allowed_origins: string[] | null;
  expires_at: string | null;
  revoked_at: string | null;
  last_used_at: string | null;
  created_at: string;
}

/** A key at the moment of minting: the only time that `key` is shown. */
export interface MintedKey extends Key {
  key?: string;
}

export interface KeyCreate {
  name: string;
  kind: KeyKind;
  skills?: "all" | string[];
  daily_cap_usd?: number | null;
  rate_per_minute?: number | null;
  concurrency?: number | null;
  allowed_origins?: string[] | null;
  expires_at?: string | null;
}

export interface KeyPatch {
  name?: string;
  skills?: "all" | string[];
  daily_cap_usd?: number | null;
  rate_per_minute?: number | null;
  concurrency?: number | null;
  allowed_origins?: string[] | null;
  expires_at?: string | null;
}

/** Either a secret `key`, or the secret of a one-time `link`: what follows its `#`. */
export interface SignIn {
  key?: string;
  link?: string;
}

/** A browser that is signed in. `last_used_at` is when it last asked for a token. */
export interface Session {
  id: string;
  user_agent: string | null;
  created_at: string;
  last_used_at: string;
  expires_at: string;
  current: boolean;
}

/**
 * A bearer token for `/v1`, and who it stands for. `power` says how far the key reaches:
 * `narrow` with an allowlist or a cap, `limited` with a rate or an expiry, `full` without any
 * fence.
 */
export interface SessionToken {
  token: string;
  expires_at: string;
  power: SessionPower;
  key: Key;
  workspace_id: string;
  workspace: string;
}

export interface Balance {
  workspace_id: string;
  workspace: string;
  balance_micros: number;
  balance_usd: number;
  spent_today_micros: number;
}

/** One change of a wallet; debits are negative, and name the job. */
export interface LedgerEntry {
  id: string;
  kind: LedgerKind;
  amount_micros: number;
  job_id: string | null;
  note: string | null;
  created_at: string;
}

/** By skill `id` is its skillpack's, by key the key's; by day it is null and `name` the date. */
export interface SpendLine {
  id: string | null;
  name: string;
  micros: number;
}

/**
 * What a workspace spent since the UTC day `since`. Days come oldest first, each of them;
 * skills and keys with the dearest first.
 */
export interface Spend {
  by: SpendBy;
  days: number;
  since: string;
  total_micros: number;
  lines: SpendLine[];
}

/**
 * What went to one thing: `label` is the model's name, empty for computing time. What is held
 * for calls at work is not yet in `cost_micros`.
 */
export interface CostLine {
  kind: CostKind;
  label: string;
  calls: number;
  cost_micros: number;
  held_micros: number;
}

/** The `cost_micros` of a job, and the lines that sum up to it, dearest first. */
export interface JobCosts {
  cost_micros: number;
  lines: CostLine[];
}

/** A process that runs jobs. `places` is how many at once; `running` counts this workspace's. */
export interface Worker {
  id: string;
  places: number;
  running: number;
  started_at: string;
  seen_at: string;
}

/**
 * This workspace's jobs that wait: for a worker, or for a person. `oldest_wait_ms` is how long
 * ago the oldest of the first was submitted; null where there is none.
 */
export interface Queue {
  queued: number;
  waiting_for_approval: number;
  running: number;
  oldest_wait_ms: number | null;
}

export interface Workers {
  workers: Worker[];
  queue: Queue;
}

/**
 * A limit on what jobs spend in a window. `spent_micros` counts the present window, running
 * jobs included; `window_starts_at` is null for `total`. Where `enforce` is off it only alerts.
 *
 * `alerted_at` is when the present window crossed `alert_pct` percent of the limit.
 */
export interface Budget {
  id: string;
  scope: BudgetScope;
  skillpack: string | null;
  skill_name: string | null;
  window: BudgetWindow;
  limit_usd: number;
  alert_pct: number | null;
  enforce: boolean;
  enabled: boolean;
  spent_micros: number;
  window_starts_at: string | null;
  alerted_at: string | null;
  created_at: string;
}

/**
 * `skillpack` (a slug or an id) goes with scope `skillpack`, and may be narrowed to one
 * `skill_name`. `enforce` and `enabled` are true by default.
 */
export interface BudgetCreate {
  scope: BudgetScope;
  window: BudgetWindow;
  limit_usd: number;
  skillpack?: string | null;
  skill_name?: string | null;
  alert_pct?: number | null;
  enforce?: boolean;
  enabled?: boolean;
}

/** What is left out stays; a budget's scope never changes. */
export interface BudgetPatch {
  window?: BudgetWindow;
  limit_usd?: number;
  alert_pct?: number | null;
  enforce?: boolean;
  enabled?: boolean;
}

/**
 * A model that a skill can name. A slug `family/*` stands for every variant of the family.
 *
 * `why_not` says what has to be done before it can be used. Prices are in USD for a million
 * tokens, and null where they depend on the variant or are not known.
 */
export interface Model {
  slug: string;
  provider: string;
  usable: boolean;
  why_not?: string;
  input_usd_per_mtok: number | null;
  output_usd_per_mtok: number | null;
  vision: boolean;
  pdf: boolean;
}

/**
 * Which evals to run. What is left out is as the skill's own `evals` have it: `repeat` runs of
 * each case, and `threshold`, the share of runs (0 to 1) that has to pass; `version` is the active
 * one. `case_ids` takes some of the cases only.
 */
export interface EvalCreate {
  skill: string;
  version?: number | null;
  repeat?: number | null;
  threshold?: number | null;
  case_ids?: string[] | null;
}

/** How the runs of a suite fared with one grader; `pass_rate` and `mean_score` are 0 to 1. */
export interface EvalGrader {
  name: string;
  kind: GraderKind;
  mean_score: number;
  pass_rate: number;
  runs: number;
}

/** One run of a case: a job. `score` is null until it was judged, or where it failed. */
export interface EvalRun {
  job_id: string;
  status: JobStatus;
  score: number | null;
  passed: boolean;
  error: string | null;
  graders: Record<string, unknown>[];
}

/** How a case fared; `pass_rate` and `mean_score` count the runs that are over. */
export interface EvalCase {
  id: string;
  tags: string[];
  pass_rate: number;
  mean_score: number;
  runs: EvalRun[];
}

/**
 * A suite of evals: a skill run on its cases, judged by its graders.
 *
 * Rates, scores, costs and times count the runs that are over. A run that failed passes nothing
 * and scores 0. `score_stddev` is the spread of the runs' scores, `mean_latency_ms` the time from
 * a run's start to its result, without that of its graders. `gate_passed` says whether the share
 * of runs that passed reaches `threshold` (0 to 1); null until all are over.
 */
export interface EvalSummary {
  id: string;
  status: EvalStatus;
  skillpack: string;
  skill_name: string;
  version: number;
  repeat: number;
  pass_rate_pct: number;
  mean_score: number;
  score_stddev: number;
  completed_runs: number;
  total_runs: number;
  total_cost_micros: number;
  mean_cost_micros: number;
  mean_latency_ms: number;
  threshold: number;
  graders: EvalGrader[];
  gate_passed: boolean | null;
  created_at: string;
  finished_at: string | null;
}

/** A suite with all of its cases. */
export interface EvalReport extends EvalSummary {
  cases: EvalCase[];
}

/** A case in two suites; null where one of them does not have it. */
export interface EvalCaseDiff {
  id: string;
  change: EvalChange;
  base_mean_score: number | null;
  head_mean_score: number | null;
  base_pass_rate: number | null;
  head_pass_rate: number | null;
}

export interface EvalGraderDiff {
  name: string;
  kind: GraderKind;
  base_mean_score: number | null;
  head_mean_score: number | null;
  base_pass_rate: number | null;
  head_pass_rate: number | null;
}

/**
 * Two suites of a skill side by side; a delta is head less base. Cases that got worse come
 * first.
 */
export interface EvalDiff {
  skill_name: string;
  base: EvalSummary;
  head: EvalSummary;
  pass_rate_pct_delta: number;
  mean_score_delta: number;
  mean_cost_micros_delta: number;
  mean_latency_ms_delta: number;
  graders: EvalGraderDiff[];
  cases: EvalCaseDiff[];
}

export interface DriveFile {
  drive_path: string;
  size_bytes: number;
  mime: string;
  created_at: string;
}

export interface Uploaded {
  drive_path: string;
  size_bytes: number;
  mime: string;
}

/** `ttl` in seconds: 30 to 2,592,000 (30 days), 3,600 by default. */
export interface SignBody {
  path: string;
  ttl?: number;
}

export interface Signed {
  path: string;
  signed_url: string;
  expires_in: number;
}
