/**
 * Event streams over a line that breaks by chance: every event comes exactly once, in order.
 *
 * The quick run takes 20 faults, `npm run test:slow` a hundred, and a line that falls silent. A
 * failure shows its seed: `FAULT_SEED=… npm test` sees it again.
 */

import type { Browser } from "playwright-core";
import { Puras } from "puras";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { byChance, each, type FaultKind, type Plan } from "../faults/plan";
import { FaultProxy } from "../faults/proxy";
import { runSeed } from "../faults/random";
import { API, SECRET_KEY, tick } from "../harness/api";
import { launch, openPage } from "../harness/browser";
import { withEsbuild } from "../harness/bundles";
import { type Pages, servePages } from "../harness/pages";

declare const page: import("../page/main.mjs").Page;

const isSlow = !!process.env["SLOW"];
const SEED = runSeed();
const [EVENTS, FAULTS] = isSlow ? [1000, 100] : [200, 20];
/** Two events are the job's beginning, one its end. */
const TICKS = EVENTS - 3;
const ALL = Array.from({ length: EVENTS }, (_, index) => index + 1);
const SILENCE_MS = 45_000;

interface Job {
  jobId: string;
  transport?: "auto" | "sse";
}

interface Target extends Job {
  apiBase: string;
}

let browser: Browser;
let pages: Pages;
beforeAll(async () => {
  console.log(`FAULT_SEED=${SEED}`);
  pages = await servePages(await withEsbuild());
  browser = await launch();
});
afterAll(async () => {
  await browser.close();
  await pages.close();
});

const readers = {
  async Node(target: Target) {
    const puras = new Puras({ apiKey: SECRET_KEY, apiBase: target.apiBase });
    const seen = [];
    for await (const { id } of puras.events(target.jobId, target)) seen.push(id);
    return seen;
  },
  async Chromium(target: Target) {
    const open = await openPage(browser, `${pages.origin}/`);
    const seen = await open.page.evaluate((to) => page.events(to), {
      ...target,
      apiKey: SECRET_KEY,
    });
    expect(open.problems).toEqual([]);
    await open.page.close();
    return seen;
  },
};

/** Read a job through a proxy with this plan; what came, and the proxy as it is then. */
async function readThrough(plan: Plan, read: (target: Target) => Promise<number[]>, target: Job) {
  const proxy = await FaultProxy.start(API, plan);
  try {
    return { seen: await read({ apiBase: proxy.url, ...target }), proxy };
  } finally {
    await proxy.close();
  }
}

describe.concurrent.each(Object.entries(readers))("in %s", (_, read) => {
  test.each([
    { job: "is over", pause: 0 },
    { job: "goes on", pause: 0.02 },
  ])(`${EVENTS} events of a job that $job come once through ${FAULTS} faults`, async (row) => {
    const jobId = await tick({ ticks: TICKS, pause: row.pause }, !row.pause);
    const plan = byChance({ seed: SEED, count: FAULTS });
    const { seen, proxy } = await readThrough(plan, read, { jobId, transport: "sse" });
    expect(seen, `FAULT_SEED=${SEED}`).toEqual(ALL);
    expect(proxy.faults).toHaveLength(FAULTS);
  });

  test.each<FaultKind>(["unavailable", "page", "cut"])(
    "auto goes on with polling after five streams in a row that are a %s",
    async (kind) => {
      const jobId = await tick({ ticks: 5 }, true);
      const { seen, proxy } = await readThrough(each({ kind, afterBytes: 10 }), read, { jobId });
      expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
      expect(proxy.count("/stream")).toBe(5);
      expect(proxy.count("/events")).toBeGreaterThan(0);
    },
  );

  test("sse gives up after five streams in a row that bring nothing", async () => {
    const jobId = await tick({ ticks: 5 }, true);
    const plan = each({ kind: "cut", afterBytes: 10 });
    const reading = readThrough(plan, read, { jobId, transport: "sse" });
    await expect(reading).rejects.toThrow("5 times without a new event");
  });

  if (!isSlow) return;

  test("a stream that is silent for 45 seconds is replaced", async () => {
    const jobId = await tick({ ticks: 20 }, true);
    const began = Date.now();
    const plan = each({ kind: "stall", afterBytes: 900 }, 1);
    const { seen, proxy } = await readThrough(plan, read, { jobId, transport: "sse" });
    expect(seen).toHaveLength(23);
    expect(proxy.count("/stream")).toBe(2);
    expect(Date.now() - began).toBeGreaterThanOrEqual(SILENCE_MS);
    expect(Date.now() - began).toBeLessThan(SILENCE_MS + 30_000);
  });
});

test("the same seed breaks the line in the same places", () => {
  const planned = (seed: number) => Array.from({ length: 50 }, byChance({ seed, count: 40 }));
  expect(planned(7)).toEqual(planned(7));
  expect(planned(7)).not.toEqual(planned(8));
  expect(planned(7).filter((fault) => fault)).toHaveLength(40);
});
