/**
 * What a component is shown of a job, and how each piece of news changes it. Pure.
 *
 * The rule: `status` says that a job is over only together with its `result` or its `error`, so no
 * render ever sees a success without its result.
 */
import { isOver } from "../core";
import { JobError } from "../errors";
import type { Job, JobEvent } from "../types";

/**
 * The job's own status, as far as it is known, and two for the time before:
 *
 * - `idle`: there is nothing to show; `run` was not called, or there is no job id.
 * - `pending`: the job was asked for, and no answer is here yet.
 *
 * It is `failed` also where no job came of it: the submit was refused, or the job does not exist.
 */
export type RunStatus =
  | "idle"
  | "pending"
  | "queued"
  | "running"
  | "succeeded"
  | "failed"
  | "cancelled"
  | (string & {});

/** What is known of a job. Each change makes a new one, and the parts that stay are the same. */
export interface JobState<Result> {
  readonly status: RunStatus;
  /** The job, once it is known; with its result when it is over. */
  readonly job: Job | undefined;
  /** Its events so far, each once and in order. */
  readonly events: readonly JobEvent[];
  /** What the skill returned; `{}` where it returned nothing. */
  readonly result: Result | undefined;
  /**
   * Why there is no result: a `JobError` for a job that failed or was cancelled, else what went
   * wrong on the way. A `PurasConnectionError` beside a job that is not over will pass: the job
   * goes on, and so do the tries to reach it.
   */
  readonly error: Error | undefined;
}

export const IDLE: JobState<never> = {
  status: "idle",
  job: undefined,
  events: [],
  result: undefined,
  error: undefined,
};

export const PENDING: JobState<never> = { ...IDLE, status: "pending" };

/** Take the job as the server tells it. */
export function withJob<Result>(state: JobState<Result>, job: Job): JobState<Result> {
  const known = { ...state, job, status: job.status };
  if (!isOver(job)) return { ...known, error: undefined };
  return job.status === "succeeded"
    ? { ...known, error: undefined, result: resultOf<Result>(job) }
    : { ...known, error: new JobError(job) };
}

/** Take events that came in order. */
export function withEvents<Result>(
  state: JobState<Result>,
  events: readonly JobEvent[],
): JobState<Result> {
  const told = { ...state, events: [...state.events, ...events] };
  if (!state.job || isOver(state.job)) return told;
  const status = statusAfter(events, state.job.status);
  return { ...told, status, job: { ...state.job, status }, error: undefined };
}

/** Take what went wrong on the way to the job. */
export function withError<Result>(state: JobState<Result>, error: Error): JobState<Result> {
  return { ...state, error, status: state.job ? state.job.status : "failed" };
}

export function resultOf<Result>(job: Job): Result {
  return (job.result ?? {}) as Result;
}

/** The last status that does not end the job: its end is shown when the job itself is here. */
function statusAfter(events: readonly JobEvent[], status: string): string {
  for (const { type, payload } of events) {
    const told = type === "status" ? String(payload?.["status"]) : status;
    if (!isOver({ status: told })) status = told;
  }
  return status;
}
