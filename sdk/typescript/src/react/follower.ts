/**
 * Follows one job into a store.
 *
 * The rule: it can be stopped and started at any time, and goes on after the last event it saw. A
 * line that is lost is not the end: the error is shown, and it is tried again every `RETRY_MS`.
 */
import { isOver } from "../core";
import { JobError, PurasAPIError, PurasConnectionError } from "../errors";
import type { EventsOptions, Job } from "../types";
import type { JobClient } from "./provider";
import { resultOf, withError, withJob } from "./state";
import type { Store } from "./store";

const RETRY_MS = 5000;

/** How events are fetched. */
export type Fetching = Pick<EventsOptions, "transport" | "pollIntervalMs">;

/** What to follow; `job` where it is known already. */
interface Target {
  readonly client: JobClient;
  readonly id: string;
  readonly job?: Job;
  readonly fetching: Fetching;
}

export class Follower<Result> {
  /** The job's result. Rejects when there is none, can be none, or nobody waits any longer. */
  readonly outcome: Promise<Result>;

  private settle!: { resolve: (result: Result) => void; reject: (reason: Error) => void };
  private connection: AbortController | undefined;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private job: Job | undefined;
  private lastId = 0;
  private isDone = false;

  constructor(
    private readonly store: Store<Result>,
    private readonly target: Target,
  ) {
    this.job = target.job;
    this.outcome = quiet(
      new Promise<Result>((resolve, reject) => {
        this.settle = { resolve, reject };
      }),
    );
  }

  /** Follow, unless that is under way or there is no more to see. */
  start(): void {
    if (this.connection || this.isDone) return;
    this.connection = new AbortController();
    const { signal } = this.connection;
    this.follow(signal).catch((error: Error) => {
      if (!signal.aborted) this.fail(error);
    });
  }

  /** Let go of the connection. The job goes on. */
  stop(): void {
    clearTimeout(this.retry);
    this.connection?.abort();
    this.connection = undefined;
  }

  /** Take a new connection at once, without waiting until the old one is found dead. */
  restart(): void {
    this.stop();
    this.start();
  }

  /** Stop, and tell whoever waits for the outcome. */
  leave(): void {
    this.stop();
    this.settle.reject(notWatched());
  }

  private async follow(signal: AbortSignal): Promise<void> {
    const { client, id, fetching } = this.target;
    const known = await this.lookUp(signal);
    for await (const event of client.events(id, { ...fetching, afterId: this.lastId, signal })) {
      if (signal.aborted) return;
      this.lastId = event.id;
      this.store.gather(event);
    }
    if (signal.aborted) return;
    const job = isOver(known) ? known : await client.wait(id, { signal });
    if (!signal.aborted) this.end(job);
  }

  private async lookUp(signal: AbortSignal): Promise<Job> {
    if (this.job) return this.job;
    const job = await this.target.client.get(this.target.id);
    if (signal.aborted) return job;
    this.job = job;
    this.store.show((state) => withJob(state, job));
    return job;
  }

  private end(job: Job): void {
    this.isDone = true;
    this.store.show((state) => withJob(state, job));
    if (job.status === "succeeded") this.settle.resolve(resultOf(job));
    else this.settle.reject(new JobError(job));
  }

  private fail(error: Error): void {
    this.connection = undefined;
    this.store.show((state) => withError(state, error));
    if (willPass(error)) this.retry = setTimeout(() => this.start(), RETRY_MS);
    else this.settle.reject(error);
  }
}

/** Keep a rejection that nobody handles from being reported: the component shows the error. */
export function quiet<Value>(promise: Promise<Value>): Promise<Value> {
  promise.catch(() => undefined);
  return promise;
}

/** What a run is rejected with that a newer one replaced, or that nobody looks at any longer. */
export function notWatched(): Error {
  const error = new Error("the run is not watched any longer; its job goes on");
  error.name = "AbortError";
  return error;
}

function willPass(error: Error): boolean {
  if (error instanceof PurasAPIError) return error.status >= 500 || error.status === 429;
  return error instanceof PurasConnectionError;
}
