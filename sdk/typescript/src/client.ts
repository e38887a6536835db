/** The client itself: it carries out what the modules beside it decide. */
import { type Api, connect } from "./api";
import * as core from "./core";
import { isOver } from "./core";
import { JobError } from "./errors";
import { sleep } from "./line";
import { live } from "./live";
import type {
  EventsOptions,
  FeedbackOptions,
  Job,
  JobEvent,
  PurasOptions,
  RunArguments,
  RunOptions,
  RunResult,
  SkillPath,
  SkillType,
  SubmitOptions,
  UploadOptions,
  WaitOptions,
} from "./types";
import type { Feedback, Uploaded } from "./wire";

/**
 * Calls deployed skills.
 *
 * A skill is addressed as `workspace/skillpack/skill`, as `skillpack/skill`, or by its bare name
 * where a default `skillpack` was given. One client may serve many callers at once.
 */
export class Puras {
  private readonly api: Api;
  private readonly skillpack: string | undefined;

  /** @throws MissingKeyError where no key was passed and `PURAS_API_KEY` is not set. */
  constructor(options: PurasOptions = {}) {
    this.api = connect(options);
    this.skillpack = options.skillpack;
  }

  /**
   * Submit a job and return it at once, or, with `wait`, when it is over.
   *
   * A job that is not over after `timeoutSeconds` is returned as it is; one that failed is returned
   * too, and throws nothing.
   *
   * @throws PurasAPIError where the submit was refused; see its subclasses.
   * @throws PurasConnectionError where no usable answer came; it says if the job may exist.
   */
  async submit(
    skill: string,
    inputs: Record<string, unknown> = {},
    options: SubmitOptions = {},
  ): Promise<Job> {
    const { wait, timeoutSeconds = 60, signal } = options;
    const { skillpack = this.skillpack } = options;
    const timeoutMs = timeoutSeconds * 1000;
    const until = Date.now() + timeoutMs;
    const holdMs = wait ? Math.min(timeoutMs, core.MAX_HOLD_MS) : undefined;
    const request = core.submit(skill, inputs, { ...options, skillpack, holdMs });
    const job = await this.api.object<Job>(request, signal);
    if (!wait || timeoutMs <= core.MAX_HOLD_MS || isOver(job)) return job;
    return this.poll(job.id, until, core.WAIT_POLL_INTERVAL_MS, signal);
  }

  /**
   * Submit a job, wait for it and return its result; `{}` where it has none.
   *
   * @throws JobError where the job failed, was cancelled, or is still running at the timeout.
   * @throws PurasError as `submit` and `wait` do.
   */
  run<Skill extends SkillType = never>(
    skill: string,
    inputs: Skill["inputs"],
    options?: RunOptions,
  ): Promise<Skill["result"]>;
  run<Path extends SkillPath>(
    skill: Path,
    ...rest: RunArguments<Path, RunOptions>
  ): Promise<RunResult<Path>>;
  async run(
    skill: string,
    inputs: Record<string, unknown> = {},
    options: RunOptions = {},
  ): Promise<Record<string, unknown>> {
    const { skillpack, version, signal, onEvent } = options;
    const { timeoutMs = core.WAIT_TIMEOUT_MS } = options;
    const { pollIntervalMs = core.WAIT_POLL_INTERVAL_MS } = options;
    let job = await this.submit(skill, inputs, { skillpack, version, signal });
    const until = Date.now() + timeoutMs;
    if (onEvent) {
      for await (const event of live(this.api, job.id, { signal }, until)) await onEvent(event);
    }
    if (onEvent || !isOver(job)) job = await this.poll(job.id, until, pollIntervalMs, signal);
    if (job.status !== "succeeded") throw new JobError(job);
    return job.result ?? {};
  }

  /**
   * Fetch a job.
   *
   * @throws NotFoundError where there is no such job that this key may see.
   */
  async get(jobId: string): Promise<Job> {
    return this.api.object(core.getJob(jobId, 0));
  }

  /**
   * Wait until a job is over or `timeoutMs` have gone; return it as last seen.
   *
   * A server that knows how answers the moment the job ends, any other one is asked again every
   * `pollIntervalMs`.
   */
  async wait(jobId: string, options: WaitOptions = {}): Promise<Job> {
    const { timeoutMs = core.WAIT_TIMEOUT_MS, signal } = options;
    const { pollIntervalMs = core.WAIT_POLL_INTERVAL_MS } = options;
    return this.poll(jobId, Date.now() + timeoutMs, pollIntervalMs, signal);
  }

  /**
   * Iterate over a job's events: those there are, then those to come, until it is over.
   *
   * Each event comes once and in order, however often the line breaks. Leaving the loop, or
   * aborting `signal`, frees the connection at once.
   *
   * @throws PurasAPIError where the job can't be read; 401, 403 and 404 also in the middle.
   * @throws PurasConnectionError with `sse`, where five streams in a row broke without a new event.
   * @throws StreamLineTooLongError where the stream sent a line over 4 MiB.
   */
  events(jobId: string, options: EventsOptions = {}): AsyncGenerator<JobEvent, void> {
    return live(this.api, jobId, options, Infinity);
  }

  /** Cancel a job and return it; one that is over already is returned unchanged. */
  async cancel(jobId: string): Promise<Job> {
    return this.api.object(core.cancelJob(jobId));
  }

  /** Rate a job: -1, 0 or 1, where 0 needs a comment. Said again, it replaces the former. */
  async feedback(jobId: string, options: FeedbackOptions = {}): Promise<Feedback> {
    return this.api.object(core.giveFeedback(jobId, options));
  }

  /** Store a file in the drive; its `drive_path` can be an input of a skill. */
  async upload(file: Blob | BufferSource, options: UploadOptions = {}): Promise<Uploaded> {
    const { upload } = await import("./upload");
    return this.api.object(upload(file, options.path), options.signal);
  }

  private async poll(
    id: string,
    until: number,
    interval: number,
    signal: AbortSignal | undefined,
  ): Promise<Job> {
    for (;;) {
      const asked = Date.now();
      const request = core.getJob(id, Math.min(interval, until - asked));
      const job = await this.api.object<Job>(request, signal);
      const now = Date.now();
      if (isOver(job) || now >= until) return job;
      await sleep(Math.min(asked + interval, until) - now, signal);
    }
  }
}
