/**
 * A job's events, whose code is loaded when they are first asked for: a page that only runs skills
 * does without it.
 */
import type { follow } from "./follow";
import type { JobEvent } from "./types";

type Events = AsyncGenerator<JobEvent, void>;

/** Iterate as `follow` does. */
export function live(...call: Parameters<typeof follow>): Events {
  let events: Promise<Events> | undefined;
  const begin = async () => (await import("./follow")).follow(...call);
  // What was never begun needs no loading to be left.
  const never = async () => nothing();
  const through =
    (verb: "next" | "return" | "throw", from: () => Promise<Events>) => async (value?: unknown) => {
      events ??= from();
      return (await events)[verb](value as void);
    };
  const iterator = {
    next: through("next", begin),
    return: through("return", never),
    throw: through("throw", never),
    // Where Hermes has no such symbol, Babel, which makes its `for await`, looks for the name.
    [Symbol.asyncIterator ?? "@@asyncIterator"]: () => iterator,
  };
  return iterator as unknown as Events;
}

async function* nothing(): Events {}
