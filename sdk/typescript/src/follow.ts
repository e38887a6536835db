/**
 * Following a job's events: where we are, what counts, when it is over. No I/O.
 *
 * One `Follow` lives as long as one iteration, over all its connections. Its rule: every event once,
 * in order, however often the line breaks. An event counts if its id is above the last one seen, so a
 * server may repeat itself; a connection that ends before the job does is a *drop*, and the next one
 * asks for what follows the last id. After five drops without a new event the stream is given up:
 * `auto` goes on with polling, `sse` throws. Over means: the terminal `status` event was yielded, or
 * the stream said `end`, or the job is known to be over and its last page was read.
 */
import { isObject, parsed } from "./answer";
import { EVENTS_PER_PAGE, isOver } from "./core";
import { PurasAPIError, PurasConnectionError } from "./errors";
import type { Message } from "./sse";
import type { Job, JobEvent } from "./types";

const DROPS_BEFORE_POLLING = 5;
const EMPTY_PAGES_BEFORE_GET = 3;

export class Follow {
  _isOver = false;
  /** How often the line broke since the last new event. */
  _drops = 0;
  private _emptyPages = 0;
  private _isLastPageNext = false;
  /** A full page was read: there may be more at once. */
  private _isBehind = false;

  /** `_until` is the moment, by `Date.now`, at which following stops. */
  constructor(
    private readonly _transport: string,
    public _afterId: number,
    private readonly _until: number,
  ) {
    if (!/^(auto|sse|poll)$/.test(_transport)) {
      throw new TypeError(`transport "${_transport}" is not one of auto, sse, poll`);
    }
  }

  get _isStreamed(): boolean {
    return this._transport !== "poll" && this._drops < DROPS_BEFORE_POLLING;
  }

  get _isAuto(): boolean {
    return this._transport === "auto";
  }

  get _goesOn(): boolean {
    return !this._isOver && Date.now() < this._until;
  }

  /** Take a message of the stream; return its event if it is new. */
  _read({ event, data }: Message): JobEvent | undefined {
    this._isOver ||= event === "end";
    const value = parsed(data);
    if (value === undefined) throw dropped("it sent something that is not JSON");
    return this._take(value);
  }

  /**
   * Count a drop.
   *
   * @throws What was passed, where another try can't help; PurasConnectionError where it was one too
   * many, and polling is not wanted.
   */
  _drop(error: unknown): void {
    const { _pauseMs, message } = error as PurasConnectionError;
    if (_pauseMs !== undefined) this._drops++;
    else if (!this._isAuto || !(error instanceof PurasAPIError) || /^40[134]/.test(message)) {
      throw error;
    } else this._drops = DROPS_BEFORE_POLLING;
    if (this._isStreamed || this._isAuto) return;
    throw new PurasConnectionError(
      `the event stream broke ${this._drops} times without a new event: ${message}`,
      { cause: error },
    );
  }

  /** Take a page of events; return the new ones. */
  _page(entries: readonly unknown[]): JobEvent[] {
    const found = entries.map((entry) => this._take(entry)).filter((event) => !!event);
    this._isBehind = found.length > 0 && entries.length >= EVENTS_PER_PAGE;
    this._emptyPages = found.length > 0 ? 0 : this._emptyPages + 1;
    this._isOver ||= this._isLastPageNext && !this._isBehind;
    return found;
  }

  /** Whether so many pages were empty that the job itself is asked if it is over. */
  get _asksJob(): boolean {
    return !this._isOver && this._emptyPages >= EMPTY_PAGES_BEFORE_GET;
  }

  _saw(job: Job): void {
    this._emptyPages = 0;
    this._isLastPageNext = isOver(job);
  }

  /** Whether to sleep before the next page. */
  get _rests(): boolean {
    return !this._isOver && !this._isBehind && !this._isLastPageNext;
  }

  /** A length of time, cut off where following stops. */
  _within(ms: number): number {
    return Math.max(0, Math.min(ms, this._until - Date.now()));
  }

  private _take(entry: unknown): JobEvent | undefined {
    if (this._isOver || !isObject(entry)) return undefined;
    const event = entry as JobEvent;
    if (!(event.id > this._afterId)) return undefined;
    this._afterId = event.id;
    // A stream that was given up stays so: its drops are counted no more.
    if (this._isStreamed) this._drops = 0;
    this._isOver = event.type === "status" && isOver(event.payload ?? {});
    return event;
  }
}

/** A stream broke, or could not be had: another one may do better. */
export function dropped(reason: string): PurasConnectionError {
  const error = new PurasConnectionError(`the event stream broke: ${reason}`);
  error._pauseMs = 0;
  return error;
}
