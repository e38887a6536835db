/**
 * A time limit and a caller's signal on one connection.
 *
 * The rule: whoever opens a line closes it, and then no timer and no listener of it is left behind.
 */

/** One connection: it breaks when the caller's signal is aborted, or when its time is up. */
export class Line {
  _isTimedOut = false;

  private readonly _controller = new AbortController();
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private readonly _hangUp = (): void => this._controller.abort();

  constructor(private readonly _outer: AbortSignal | undefined) {
    _outer?.addEventListener("abort", this._hangUp);
    if (_outer?.aborted) this._hangUp();
  }

  get _signal(): AbortSignal {
    return this._controller.signal;
  }

  /** Break the line after this time, counted from now. */
  _limit(ms: number): void {
    clearTimeout(this._timer);
    this._timer = setTimeout(() => {
      this._isTimedOut = true;
      this._hangUp();
    }, ms);
  }

  /** Free the connection, if it is still in use. */
  _close(): void {
    clearTimeout(this._timer);
    this._outer?.removeEventListener("abort", this._hangUp);
    this._hangUp();
  }
}

/** Throw what an aborted signal stands for, where it is aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (!signal?.aborted) return;
  // React Native's signals have no reason.
  throw signal.reason ?? Object.assign(new Error("aborted"), { name: "AbortError" });
}

/** Sleep; rejects with the signal's reason when it is aborted. */
export async function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  const line = new Line(signal);
  if (!line._signal.aborted) {
    await new Promise((resolve) => {
      line._signal.addEventListener("abort", resolve);
      line._limit(ms);
    });
  }
  line._close();
  throwIfAborted(signal);
}
