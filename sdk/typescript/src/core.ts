/** What the client sends: every request, as a plain value. No I/O. */
import { SkillPathError } from "./errors";
import type { FeedbackOptions, SubmitOptions } from "./types";

export { isOver } from "./over";

// What `run` and `wait` do when they are not told otherwise.
export const WAIT_TIMEOUT_MS = 600_000;
export const WAIT_POLL_INTERVAL_MS = 2000;

/** The longest that a server holds one request. */
export const MAX_HOLD_MS = 60_000;

/**
 * One call of the API; a POST where it has a `body`. `key` is the Idempotency-Key of a call whose
 * repetition would have a second effect: another job, another file.
 */
export interface Request {
  readonly path: string;
  /** What is undefined is not sent. */
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Blob;
  /** How long the server may hold it. */
  readonly holdMs?: number | undefined;
  readonly key?: string;
}

/**
 * Build `POST /v1/jobs`; with `holdMs` the server answers when the job is over, or after that time.
 *
 * @throws SkillPathError where the path can't be read, or nothing names a skillpack.
 */
export function submit(
  path: string,
  inputs: Record<string, unknown>,
  options: SubmitOptions & { readonly holdMs?: number | undefined },
): Request {
  const { version, holdMs, idempotencyKey: key = newKey() } = options;
  const [, own, skill] = /^((?:[^/]+\/){0,2})([^/]+)$/.exec(trimmed(path)) ?? [];
  const skillpack = trimmed(own || options.skillpack || "");
  if (!skill || !skillpack) {
    throw new SkillPathError(
      `"${path}" is no skill path: write "skillpack/skill" or "workspace/skillpack/skill"`,
    );
  }
  const isId = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(skillpack);
  return {
    path: "/v1/jobs",
    query: {
      [isId ? "skillpack_id" : "skillpack"]: skillpack,
      version,
      ...(holdMs === undefined ? {} : { wait: "true", timeout: seconds(holdMs) }),
    },
    ...json({ skill, inputs }),
    holdMs,
    key,
  };
}

/** Build `GET /v1/jobs/{id}`, held by the server up to `holdMs`. */
export function getJob(id: string, holdMs: number): Request {
  return { path: jobPath(id), holdMs, query: { wait: holdMs < 1 ? undefined : seconds(holdMs) } };
}

export function cancelJob(id: string): Request {
  return { path: jobPath(id, "/cancel"), body: "" };
}

export function giveFeedback(id: string, options: FeedbackOptions): Request {
  const { rating = 0, comment, endUserId: end_user_id } = options;
  return { path: jobPath(id, "/feedback"), ...json({ rating, comment, end_user_id }) };
}

/** Write a job's path. An empty id would name another route. */
export function jobPath(id: string, verb = ""): string {
  if (!id) throw new TypeError("the job id is empty");
  return `/v1/jobs/${encodeURIComponent(id)}${verb}`;
}

function json(value: unknown): Pick<Request, "headers" | "body"> {
  return { headers: { "Content-Type": "application/json" }, body: JSON.stringify(value) };
}

/** A path without the blanks and slashes around it. */
function trimmed(path: string): string {
  return path.replace(/^[\s/]+|[\s/]+$/g, "");
}

/** Milliseconds as the decimal seconds that the API takes. */
function seconds(ms: number): number {
  return Math.max(0, Math.round(ms)) / 1000;
}

/** A key that nobody else has. */
export function newKey(): string {
  const { crypto } = globalThis as { crypto?: { randomUUID?: () => string } };
  return crypto?.randomUUID?.() ?? `${Math.random()}-${Math.random()}`;
}
