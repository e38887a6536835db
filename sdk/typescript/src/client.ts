/** The client itself: it carries out what the modules beside it decide. */
import { type Answer, apiError, isObject, lineError, parsed, strangeAnswer } from "./answer";
import * as core from "./core";
import { type Config, isOver, type Request } from "./core";
import { JobError, type PurasConnectionError, PurasError } from "./errors";
import { dropped, Follow } from "./follow";
import { Line, sleep, throwIfAborted } from "./line";
import { Decoder } from "./sse";
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

/** How hard the client tries. */
export interface Policy {
  /** The longest wait before the second try; it doubles with each one. */
  readonly backoffMs: number;
  readonly longestBackoffMs: number;
  /** A server that asks for more is left to the caller. */
  readonly longestRetryAfterMs: number;
  /** A stream that is silent for longer counts as broken: the server speaks every 15 seconds. */
  readonly silenceMs: number;
}

type Signal = AbortSignal | undefined;
type Events = AsyncGenerator<JobEvent, void>;

let isWarned = false;

/**
 * Calls deployed skills.
 *
 * A skill is addressed as `workspace/skillpack/skill`, as `skillpack/skill`, or by its bare name
 * where a default `skillpack` was given. One client may serve many callers at once.
 */
export class Puras {
  /** @internal */
  _policy: Policy = {
    backoffMs: 500,
    longestBackoffMs: 8000,
    longestRetryAfterMs: 60_000,
    silenceMs: 45_000,
  };

  private readonly _config: Config;
  private readonly _fetch: typeof fetch;
  private _keepsKeys: boolean | undefined;
  private _canStream: boolean | undefined;

  /** @throws MissingKeyError where no key was passed and `PURAS_API_KEY` is not set. */
  constructor(options: PurasOptions = {}) {
    this._config = core.configure(options);
    this._fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init));
    // A fetch that was passed is known once it has answered.
    if (!options.fetch) this._canStream = "body" in (globalThis.Response?.prototype ?? {});
    warnOfSecretKey(this._config.apiKey);
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
    const { wait, timeoutSeconds = core.SUBMIT_TIMEOUT_SECONDS, signal } = options;
    const { skillpack = this._config.skillpack } = options;
    const timeoutMs = timeoutSeconds * 1000;
    const until = Date.now() + timeoutMs;
    const holdMs = wait ? Math.min(timeoutMs, core.MAX_HOLD_MS) : undefined;
    const request = core.submit(skill, inputs, { ...options, skillpack, holdMs });
    const job = await this._object<Job>(request, signal);
    if (!wait || timeoutMs <= core.MAX_HOLD_MS || isOver(job)) return job;
    return this._poll(job.id, until, core.WAIT_POLL_INTERVAL_MS, signal);
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
      for await (const event of this._follow(job.id, { signal }, until)) await onEvent(event);
    }
    if (onEvent || !isOver(job)) job = await this._poll(job.id, until, pollIntervalMs, signal);
    if (job.status !== "succeeded") throw new JobError(job);
    return job.result ?? {};
  }

  /**
   * Fetch a job.
   *
   * @throws NotFoundError where there is no such job that this key may see.
   */
  async get(jobId: string): Promise<Job> {
    return this._object(core.getJob(jobId, 0));
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
    return this._poll(jobId, Date.now() + timeoutMs, pollIntervalMs, signal);
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
    return this._follow(jobId, options, Infinity);
  }

  /** Cancel a job and return it; one that is over already is returned unchanged. */
  async cancel(jobId: string): Promise<Job> {
    return this._object(core.cancelJob(jobId));
  }

  /** Rate a job: -1, 0 or 1, where 0 needs a comment. Said again, it replaces the former. */
  async feedback(jobId: string, options: FeedbackOptions = {}): Promise<Feedback> {
    return this._object(core.giveFeedback(jobId, options));
  }

  /** Store a file in the drive; its `drive_path` can be an input of a skill. */
  async upload(file: Blob | BufferSource, options: UploadOptions = {}): Promise<Uploaded> {
    return this._object(core.upload(file, options.path), options.signal);
  }

  private async _poll(id: string, until: number, interval: number, signal: Signal): Promise<Job> {
    for (;;) {
      const asked = Date.now();
      const job = await this._object<Job>(
        core.getJob(id, Math.min(interval, until - asked)),
        signal,
      );
      const now = Date.now();
      if (isOver(job) || now >= until) return job;
      await sleep(Math.min(asked + interval, until) - now, signal);
    }
  }

  private _follow(id: string, options: EventsOptions, until: number): Events {
    core.jobPath(id);
    const { transport = "auto", afterId = 0, signal } = options;
    const { pollIntervalMs = core.EVENTS_POLL_INTERVAL_MS } = options;
    const follow = new Follow(transport, afterId, until);
    const line = new Line(signal);
    return leavable(this._iterate(id, follow, pollIntervalMs, line), line);
  }

  private async *_iterate(id: string, follow: Follow, interval: number, line: Line): Events {
    const signal = line._signal;
    try {
      while (follow._goesOn && (await this._isToBeStreamed(follow, signal))) {
        try {
          yield* this._stream(id, follow, signal);
        } catch (error) {
          throwIfAborted(signal);
          follow._drop(error);
          if (follow._isStreamed) {
            const pause = this._pause(error as PurasConnectionError, follow._drops - 1);
            await sleep(follow._within(pause), signal);
          }
        }
      }
      while (follow._goesOn) {
        const request = core.eventsPage(id, follow._afterId);
        yield* follow._page(await this._value(request, Array.isArray, signal));
        if (follow._asksJob) follow._saw(await this._object(core.getJob(id, 0), signal));
        if (follow._rests) await sleep(follow._within(interval), signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      line._close();
    }
  }

  /** A fetch that was passed is asked for something short first: does it give a body to read? */
  private async _isToBeStreamed(follow: Follow, signal: Signal): Promise<boolean> {
    if (!follow._isStreamed || !follow._isAuto) return follow._isStreamed;
    if (this._canStream === undefined) await this._call(HEALTH, signal);
    return this._canStream !== false;
  }

  /** Yield the events of one connection. Throws where it ends before the job. */
  private async *_stream(id: string, follow: Follow, signal: Signal): Events {
    const line = new Line(signal);
    const listen = (): void => line._limit(follow._within(this._policy.silenceMs));
    const request = core.stream(id, follow._afterId);
    const decoder = new Decoder();
    try {
      listen();
      const reader = await this._open(request, line);
      while (follow._goesOn) {
        const { done, value } = await reader.read().catch((cause) => {
          throw lineError("the event stream", cause, line._isTimedOut);
        });
        if (done) throw dropped("it ended before the job");
        for (const message of decoder._feed(value)) {
          const event = follow._read(message);
          if (event) yield event;
        }
        listen();
      }
    } finally {
      line._close();
    }
  }

  private async _open(
    request: Request,
    line: Line,
  ): Promise<ReadableStreamDefaultReader<Uint8Array>> {
    const response = await this._send(request, line);
    if (!/^text\/event-stream/i.test(response.headers.get("content-type") ?? "")) {
      throw dropped("the answer is none");
    }
    if (response.body) return response.body.getReader();
    this._canStream = false;
    throw dropped("this runtime can't read a body as it comes");
  }

  private async _object<Value>(request: Request, signal?: Signal): Promise<Value> {
    return this._value(request, isObject, signal) as Promise<Value>;
  }

  private async _value<Value>(
    request: Request,
    fits: (value: unknown) => value is Value,
    signal: Signal,
  ): Promise<Value> {
    const answer = await this._call(request, signal);
    const value = parsed(answer.text);
    if (fits(value)) return value;
    throw strangeAnswer(request.path, answer);
  }

  /** Make a request, and make it again where that may help. */
  private async _call(request: Request, signal: Signal): Promise<Answer> {
    let isInDoubt = false;
    for (let attempt = 0; ; attempt++) {
      try {
        return await this._exchange(request, signal);
      } catch (error) {
        if (!(error instanceof PurasError)) throw error;
        const failure = error as PurasConnectionError;
        const asked = failure._pauseMs;
        isInDoubt ||= !!request.key && !!failure._isReached;
        const isWorthIt =
          asked !== undefined &&
          asked <= this._policy.longestRetryAfterMs &&
          attempt < this._config.maxRetries;
        if (isWorthIt) await sleep(this._pause(failure, attempt), signal);
        if (!isWorthIt || (isInDoubt && !(await this._areKeysKept(signal)))) {
          if (isInDoubt && request.doubt) failure.message += `; ${request.doubt}`;
          throw failure;
        }
      }
    }
  }

  /** Full jitter: a random part of a ceiling that doubles with each attempt from 0. */
  private _pause({ _pauseMs = 0 }: PurasConnectionError, attempt: number): number {
    const { backoffMs, longestBackoffMs, longestRetryAfterMs } = this._policy;
    const ceiling = Math.min(longestBackoffMs, backoffMs * 2 ** attempt);
    return Math.max(Math.min(_pauseMs, longestRetryAfterMs), Math.random() * ceiling);
  }

  /** Whether this server keeps Idempotency-Keys; unless it has said so, it is asked once. */
  private async _areKeysKept(signal: Signal): Promise<boolean> {
    if (this._keepsKeys === undefined) {
      try {
        await this._call(HEALTH, signal);
        this._keepsKeys ??= false;
      } catch (error) {
        if (!(error instanceof PurasError)) throw error;
      }
    }
    return !!this._keepsKeys;
  }

  private async _exchange(request: Request, signal: Signal): Promise<Answer> {
    throwIfAborted(signal);
    const line = new Line(signal);
    try {
      line._limit(core.timeLimit(this._config, request));
      const response = await this._send(request, line);
      return await read(response, line);
    } finally {
      line._close();
      throwIfAborted(signal);
    }
  }

  /** Send a request; resolves with an answer of 2xx whose body is still to be read. */
  private async _send(request: Request, line: Line): Promise<Response> {
    const { path, query = {}, body, key } = request;
    const search = Object.entries(query).map(([name, to]) => `${name}=${encodeURIComponent(to)}`);
    const url = this._config.apiBase + path + (search.length > 0 ? `?${search.join("&")}` : "");
    const response = await this._fetch(url, {
      method: body === undefined ? "GET" : "POST",
      headers: {
        Accept: "application/json",
        ...request.headers,
        Authorization: `Bearer ${this._config.apiKey}`,
        ...(key ? { "Idempotency-Key": key } : {}),
      },
      body: body ?? null,
      signal: line._signal,
    }).catch((cause) => {
      throw lineError(url, cause, line._isTimedOut);
    });
    if (response.headers.get("puras-idempotency") === "1") this._keepsKeys = true;
    this._canStream ??= !!response.body;
    if (response.ok) return response;
    throw apiError(await read(response, line));
  }
}

const HEALTH: Request = { path: "/health" };

async function read(response: Response, line: Line): Promise<Answer> {
  const { status, headers, url } = response;
  const text = await response.text().catch((cause) => {
    throw lineError(url, cause, line._isTimedOut);
  });
  return { status, headers, text };
}

/** An iterator whose `return` does not wait for the read that is under way: it ends it. */
function leavable(inner: Events, line: Line): Events {
  const iterator = {
    next: () => inner.next(),
    throw(error: unknown) {
      line._close();
      return inner.throw(error);
    },
    return() {
      line._close();
      return inner.return();
    },
    [Symbol.asyncIterator]: () => iterator,
  };
  return iterator as Events;
}

function warnOfSecretKey(key: string): void {
  if (isWarned || typeof document === "undefined" || !key.startsWith("puras_live_")) return;
  isWarned = true;
  console.warn(
    "puras: a secret key (puras_live_) is in this page: use a publishable one (puras_pub_)",
  );
}
