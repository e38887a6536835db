/**
 * A time limit and a caller's signal on one connection.
 *
 * The rule: whoever opens a line closes it, and then no timer and no listener of it is left behind.
 */

/** The longest that a timer can be set to: one that is set to more goes off at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** One connection: it breaks when the caller's signal is aborted, or when its time is up. */
export interface Line {
  readonly signal: AbortSignal;
  /** Break the line after this time, counted from now. */
  limit(ms: number): void;
  isTimedOut(): boolean;
  /** Free the connection, if it is still in use. */
  close(): void;
}

export function openLine(outer: AbortSignal | undefined): Line {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  let isTimedOut = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  outer?.addEventListener("abort", abort);
  if (outer?.aborted) abort();
  return {
    signal: controller.signal,
    limit(ms) {
      clearTimeout(timer);
      timer = setTimeout(
        () => {
          isTimedOut = true;
          abort();
        },
        Math.min(ms, LONGEST_TIMER_MS),
      );
    },
    isTimedOut: () => isTimedOut,
    close() {
      clearTimeout(timer);
      outer?.removeEventListener("abort", abort);
      abort();
    },
  };
}

/** Throw what an aborted signal stands for, where it is aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (!signal?.aborted) return;
  // React Native's signals have no reason.
  throw signal.reason ?? Object.assign(new Error("aborted"), { name: "AbortError" });
}

/** Sleep; rejects with the signal's reason when it is aborted. */
export async function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  const line = openLine(signal);
  if (!line.signal.aborted) {
    await new Promise((resolve) => {
      line.signal.addEventListener("abort", resolve);
      line.limit(ms);
    });
  }
  line.close();
  throwIfAborted(signal);
}
