/**
 * Following a job's events: where we are, what counts, when it is over.
 *
 * The rule: every event once, in order, however often the line breaks. An event counts if its id is
 * above the last one seen, so a server may repeat itself; a connection that ends before the job does
 * is a *drop*, and the next one asks for what follows the last id. After five drops without a new
 * event the stream is given up: `auto` goes on with polling, `sse` throws. Over means: the terminal
 * `status` event was yielded, or the stream said `end`, or the job is known to be over and its last
 * page was read.
 */
import { broken, isObject, parsed } from "./answer";
import { type Api, POLICY, pause } from "./api";
import * as core from "./core";
import { PurasAPIError, PurasConnectionError } from "./errors";
import { openLine, sleep, throwIfAborted } from "./line";
import { decoder } from "./sse";
import type { EventsOptions, Job, JobEvent } from "./types";

const DROPS_BEFORE_POLLING = 5;
const EMPTY_PAGES_BEFORE_GET = 3;
const EVENTS_PER_PAGE = 1000;

type Events = AsyncGenerator<JobEvent, void>;

/** Iterate over a job's events; `until` is the moment, by `Date.now`, at which following stops. */
export function follow(api: Api, id: string, options: EventsOptions, until: number): Events {
  const { transport = "auto", afterId = 0, pollIntervalMs = 1500, signal: outer } = options;
  const isAuto = transport === "auto";
  if (!isAuto && transport !== "sse" && transport !== "poll") {
    throw new TypeError(`there is no transport "${transport}"`);
  }
  core.jobPath(id);
  const whole = openLine(outer);
  const { signal } = whole;
  let lastId = afterId;
  let isOver = false;
  let drops = transport === "poll" ? DROPS_BEFORE_POLLING : 0;

  const goesOn = (): boolean => !isOver && Date.now() < until;
  const within = (ms: number): number => Math.max(0, Math.min(ms, until - Date.now()));
  const isStreamed = (): boolean => drops < DROPS_BEFORE_POLLING;

  /** Take what came; tell whether it is an event, and new. */
  function isNew(entry: unknown): entry is JobEvent {
    if (isOver || !isObject(entry)) return false;
    const { id: eventId, type, payload } = entry as JobEvent;
    if (!(eventId > lastId)) return false;
    lastId = eventId;
    isOver = type === "status" && core.isOver(payload ?? {});
    // A stream that was given up stays so: its drops are counted no more.
    if (isStreamed()) drops = 0;
    return true;
  }

  /** Yield the events of one connection. Throws where it ends before the job. */
  async function* stream(): Events {
    const line = openLine(signal);
    const listen = (): void => line.limit(within(POLICY.silenceMs));
    const decode = decoder();
    try {
      listen();
      const response = await api.send(streamRequest(id, lastId), line);
      const type = `${response.headers.get("content-type")}`;
      if (!/^text\/event-stream\s*(;|$)/i.test(type)) throw dropped(`the answer is ${type}`);
      const reader = response.body?.getReader?.();
      if (!reader) throw dropped("this runtime can't read a body as it comes");
      while (goesOn()) {
        const { done, value } = await reader.read().catch((cause) => {
          throw broken("the event stream", cause);
        });
        if (done) throw dropped("it ended before the job");
        for (const { event, data } of decode(value)) {
          if (event === "end") isOver = true;
          const entry = parsed(data);
          if (entry === undefined) throw dropped("it sent something that is not JSON");
          if (isNew(entry)) yield entry;
        }
        listen();
      }
    } finally {
      line.close();
    }
  }

  /** Count a drop. Throws where another try can't help, or it was one too many and `sse` is wanted. */
  function drop(error: PurasConnectionError): number {
    const { pauseMs, message } = error;
    drops++;
    if (pauseMs === undefined) {
      const isFinal = !(error instanceof PurasAPIError) || /^40[134]/.test(message);
      if (!isAuto || isFinal) throw error;
      drops = DROPS_BEFORE_POLLING;
    }
    if (isStreamed()) return within(pause(pauseMs ?? 0, drops - 1));
    if (isAuto) return 0;
    throw new PurasConnectionError(`${message} (${drops} times without a new event)`, {
      cause: error,
    });
  }

  async function* pages(): Events {
    let emptyPages = 0;
    let isLastPageNext = false;
    while (goesOn()) {
      const page = await api.value(pageRequest(id, lastId), Array.isArray, signal);
      const found = page.filter(isNew);
      yield* found;
      const isBehind = found.length > 0 && page.length >= EVENTS_PER_PAGE;
      isOver ||= isLastPageNext && !isBehind;
      emptyPages = found.length > 0 ? 0 : emptyPages + 1;
      if (!isOver && emptyPages >= EMPTY_PAGES_BEFORE_GET) {
        emptyPages = 0;
        isLastPageNext = core.isOver(await api.object<Job>(core.getJob(id, 0), signal));
      }
      if (!isOver && !isBehind && !isLastPageNext) await sleep(within(pollIntervalMs), signal);
    }
  }

  async function* all(): Events {
    try {
      while (goesOn() && isStreamed() && (!isAuto || (await api.canStream(signal)))) {
        try {
          yield* stream();
        } catch (error) {
          throwIfAborted(signal);
          await sleep(drop(error as PurasConnectionError), signal);
        }
      }
      yield* pages();
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      whole.close();
    }
  }

  const events = all();
  // Leaving does not wait for the read that is under way: it ends it.
  const leavable = {
    next: () => events.next(),
    async throw(error: unknown) {
      await leavable.return();
      throw error;
    },
    return() {
      whole.close();
      return events.return();
    },
    [Symbol.asyncIterator]: () => leavable,
  };
  return leavable as Events;
}

/** A stream broke, or could not be had: another one may do better. */
function dropped(reason: string): PurasConnectionError {
  return broken("the event stream broke", { message: reason });
}

function pageRequest(id: string, after: number): core.Request {
  return { path: core.jobPath(id, "/events"), query: { after, limit: EVENTS_PER_PAGE } };
}

/** Build the request for a job's event stream, or for what follows `after` of it. */
function streamRequest(id: string, after: number): core.Request {
  const path = core.jobPath(id, "/stream");
  const Accept = "text/event-stream";
  if (after <= 0) return { path, headers: { Accept } };
  return { path, query: { after }, headers: { Accept, "Last-Event-ID": `${after}` } };
}
