/** What the tests expect of every runtime. */
import { expect } from "vitest";

/** What counts as at once: a server that nobody told notices a reader that went after 15 s. */
export const AT_ONCE_MS = 5000;

const IDS = [1, 2, 3, 4, 5, 6, 7, 8];

/** What the tour sees. */
export const SEEN = {
  run: { word: "grün 🌱" },
  jobId: expect.any(String),
  result: { ticks: 5 },
  told: [
    "1 status queued",
    "2 status running",
    ...[0, 1, 2, 3, 4].map((tick) => `${tick + 3} log tick ${tick} ✓`),
    "8 status succeeded",
  ],
  events: IDS,
  resumed: [6, 7, 8],
  polled: IDS,
  isOneJob: true,
  waited: "succeeded",
  over: "succeeded",
  got: { word: "once" },
  rating: 1,
  failure: ["failed", expect.stringContaining("the kiln is cold")],
  unknown: [404, "job_not_found"],
  invalid: [400, "invalid_inputs"],
  isTraced: true,
  isNowhere: true,
  isEndedByAbort: true,
  gone: "AbortError",
  isOverAfterReturn: true,
  cancelled: "cancelled",
  size_bytes: 7,
  isNamed: true,
  measured: { bytes: 7 },
  areSame: true,
};
