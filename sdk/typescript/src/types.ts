/** What callers write and get. Times are in milliseconds where the name says so, else seconds. */
import type { JobStatus } from "./wire";

export interface PurasOptions {
  /**
   * Workspace API key: `puras_live_…` on a server, `puras_pub_…` in an app. Default: the environment
   * variable `PURAS_API_KEY`, where there is an environment.
   */
  apiKey?: string | undefined;
  /** Skillpack of bare skill names: a slug, `workspace/skillpack`, or an id. */
  skillpack?: string | undefined;
  /** The server. Default: `PURAS_API_BASE`, else `https://api.puras.co`. */
  apiBase?: string | undefined;
  /** Time limit of each request that is not a stream. Default: 120,000. */
  timeoutMs?: number | undefined;
  /** Tries after the first, where trying again is safe. Default: 2. */
  maxRetries?: number | undefined;
  /** Another implementation of `fetch`. Default: the global one. */
  fetch?: typeof fetch | undefined;
}

/** A job as the server last told it. Fields that are not named here ride along. */
export interface Job {
  id: string;
  /** The set is open, though a server sends one of those named. */
  status: JobStatus | (string & {});
  /** The skill's output, once the status is `succeeded`. */
  result?: Record<string, unknown> | null;
  /** Why it failed, in one sentence. */
  error?: string | null;
  skill_name?: string;
  created_at?: string;
  [key: string]: unknown;
}

/** One entry of a job's log. Ids count 1, 2, 3 … within the job. */
export interface JobEvent {
  id: number;
  /** `status`, `step`, `log`, `progress`, `tool_call` and others: the set is open. */
  type: string;
  payload: Record<string, unknown> | null;
  [key: string]: unknown;
}

export interface SubmitOptions {
  /** Skillpack for this call: a slug, `workspace/skillpack`, or an id. */
  skillpack?: string | undefined;
  /** A deployment's version. Default: the active one. */
  version?: number | undefined;
  /** Resolve when the job is over, or `timeoutSeconds` have gone, instead of at once. */
  wait?: boolean | undefined;
  /**
   * How long to wait, in seconds, with `wait`. Default: 60, the most that one request is held; what
   * is left of a longer time is spent polling.
   */
  timeoutSeconds?: number | undefined;
  /** Makes repeats of this submit, also by another process, the same job. Default: a fresh one. */
  idempotencyKey?: string | undefined;
  /** Rejects with its reason when aborted. A job that was submitted goes on. */
  signal?: AbortSignal | undefined;
}

export interface WaitOptions {
  /** Stop waiting after this time. Default: 600,000. The job goes on. */
  timeoutMs?: number | undefined;
  /** How long one request is held, or, by servers that can't, the time between two. Default: 2000. */
  pollIntervalMs?: number | undefined;
  /** Rejects with its reason when aborted. The job goes on. */
  signal?: AbortSignal | undefined;
}

export interface EventsOptions {
  /** Leave out the events up to this id. Default: 0. */
  afterId?: number | undefined;
  /** `sse` streams, `poll` asks again and again, `auto` streams where it can. Default: `auto`. */
  transport?: "auto" | "sse" | "poll" | undefined;
  /** Time between two polls. Default: 1500. */
  pollIntervalMs?: number | undefined;
  /** Ends the iteration when aborted, quietly, and frees the connection at once. */
  signal?: AbortSignal | undefined;
}

export type RunOptions = Pick<SubmitOptions, "skillpack" | "version"> &
  WaitOptions & {
    /** Called with each event of the job, once and in order; waited for, if it is async. */
    onEvent?: ((event: JobEvent) => unknown) | undefined;
  };

export interface FeedbackOptions {
  /** Default: 0, which needs a comment. */
  rating?: -1 | 0 | 1 | undefined;
  comment?: string | undefined;
  /** Which of your users said so. Each has one rating of a job; a new one replaces it. */
  endUserId?: string | undefined;
}

export interface UploadOptions {
  /** Where in the drive it goes. Default: the server chooses. */
  path?: string | undefined;
  /** Rejects with its reason when aborted. */
  signal?: AbortSignal | undefined;
}

/** What a skill takes and gives, as `puras types` writes it. */
export interface SkillType {
  inputs: object;
  result: object;
}

/**
 * The skills that a project knows by their path. It is empty here; the files that `puras types`
 * writes add to it, and from then on `run` is checked for those paths.
 */
export interface Skills {}

/**
 * A path: one of those that are known, or any other.
 *
 * Of `run` there are two overloads: `run<Skill extends SkillType = never>(skill: string, inputs:
 * Skill["inputs"], options?)` for a type that is named, and `run<Path extends SkillPath>(skill:
 * Path, ...rest: RunArguments<Path, RunOptions>)` for all other calls. The default `never` keeps
 * the first one out of calls that name no type.
 */
export type SkillPath = keyof Skills | (string & {});

/** The arguments of `run` after the path. Inputs may be left out where none is needed. */
export type RunArguments<Path extends SkillPath, Options> = Path extends keyof Skills
  ? Arguments<Skills[Path], Options>
  : [inputs?: Record<string, unknown>, options?: Options];

/** What `run` resolves with: anything, where the path is not known. */
export type RunResult<Path extends SkillPath> = Path extends keyof Skills
  ? ResultOf<Skills[Path]>
  : Record<string, unknown>;

type Arguments<Skill, Options> = Skill extends SkillType
  ? Record<string, never> extends Skill["inputs"]
    ? [inputs?: Skill["inputs"], options?: Options]
    : [inputs: Skill["inputs"], options?: Options]
  : never;

type ResultOf<Skill> = Skill extends SkillType ? Skill["result"] : never;
