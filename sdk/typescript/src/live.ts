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
  const begun = (): Promise<Events> => {
    events ??= import("./follow").then((module) => module.follow(...call));
    return events;
  };
  const after = (verb: "next" | "throw") => async (value?: unknown) => (await begun())[verb](value);
  const iterator = {
    next: after("next"),
    throw: after("throw"),
    // What was never begun needs no loading to be left.
    return: async () => (await events)?.return() ?? { done: true, value: undefined },
    [Symbol.asyncIterator]: () => iterator,
  };
  return iterator as Events;
}
