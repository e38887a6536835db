/** The hooks, in real components under StrictMode, in Chromium. */
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { FaultProxy } from "../faults/proxy";
import { API, ask, publishableKey } from "../harness/api";
import { launch, type OpenPage, openPage } from "../harness/browser";
import { withEsbuild } from "../harness/bundles";
import { type Pages, servePages } from "../harness/pages";
import type { Mounting } from "../react/page";
import { AT_ONCE_MS } from "./tour";

declare const page: import("../react/page").Page;

/** What a component shows of its hook. */
interface Shown {
  status: string;
  jobId?: string;
  ids: number[];
  result?: unknown;
  renders: number;
  error?: string;
}

const PAGE = join(import.meta.dirname, "../react/page.tsx");

let browser: Browser;
let pages: Pages;
let proxy: FaultProxy;
let apiKey: string;
let open: OpenPage;

beforeAll(async () => {
  pages = await servePages(await withEsbuild(PAGE));
  proxy = await FaultProxy.start(API);
  browser = await launch();
});
afterAll(async () => {
  await browser.close();
  await proxy.close();
  await pages.close();
});
beforeEach(async () => {
  // A key of its own sees only the jobs of its test.
  apiKey = await publishableKey({ allowed_origins: [pages.origin] });
  open = await openPage(browser, `${pages.origin}/`);
});
afterEach(async () => {
  expect(open.problems).toEqual([]);
  await open.page.close();
});

test("StrictMode submits once", async () => {
  const submits = proxy.count("POST /v1/jobs");
  await mount({ skill: "runtimes/ticker", inputs: { ticks: 5 }, now: true });
  const { ids, result } = await until(({ status }) => status === "succeeded");
  expect(ids).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(result).toEqual({ ticks: 5 });
  expect(proxy.count("POST /v1/jobs")).toBe(submits + 1);
});

test("ten thousand events are shown in order, in few renders", async () => {
  await mount({ skill: "runtimes/ticker", inputs: { ticks: 9997 } });
  await open.page.click("text=Run");
  const run = await until(({ status }) => status === "succeeded");
  expect(run.ids).toEqual(counted(10_000));
  expect(run.renders).toBeLessThan(10_000 / 2); // far fewer on a machine that is not busy

  await open.page.evaluate(() => page.unmount());
  await mount({ jobId: String(run.jobId) });
  const watched = await until(({ status, ids }) => status === "succeeded" && ids.length === 10_000);
  expect(watched.ids).toEqual(counted(10_000));
  expect(watched.renders).toBeLessThan(10_000 / 20);
});

test("a line that fell silent is replaced when the page is online again", async () => {
  await mount({ skill: "runtimes/ticker", inputs: { ticks: 100, pause: 0.02 } });
  await open.page.click("text=Run");
  await until(({ ids }) => ids.length > 5);
  proxy.freeze();
  const jobId = String((await shown()).jobId);
  await ask(`/v1/jobs/${jobId}?wait=60`);
  expect((await shown()).status).toBe("running");

  await open.page.evaluate(() => window.dispatchEvent(new Event("online")));
  const { ids } = await until(({ status }) => status === "succeeded");
  expect(ids).toEqual(counted(103));
});

test("a network that comes back is used again", async () => {
  await mount({ skill: "runtimes/ticker", inputs: { ticks: 150, pause: 0.02 } });
  await open.page.click("text=Run");
  await until(({ ids }) => ids.length > 5);
  await open.page.context().setOffline(true);
  await ask(`/v1/jobs/${(await shown()).jobId}?wait=60`);
  await open.page.context().setOffline(false);
  const { ids } = await until(({ status }) => status === "succeeded");
  expect(ids).toEqual(counted(153));
});

test("cancel ends the job, and the page shows it", async () => {
  await mount({ skill: "runtimes/slow" });
  await open.page.click("text=Run");
  await until(({ ids }) => ids.length >= 3);
  await open.page.click("text=Cancel");
  const { jobId } = await until(({ status }) => status === "cancelled");
  expect((await ask(`/v1/jobs/${jobId}`))["status"]).toBe("cancelled");
});

test("unmounting frees the connection, and the job goes on", async () => {
  await mount({ skill: "runtimes/slow" });
  await open.page.click("text=Run");
  const { jobId } = await until(({ ids }) => ids.length >= 3);
  expect(proxy.openStreams).toBe(1);

  await open.page.evaluate(() => page.unmount());
  const left = Date.now();
  await proxy.until(() => proxy.openStreams === 0);
  expect(Date.now() - left).toBeLessThan(AT_ONCE_MS);
  expect((await ask(`/v1/jobs/${jobId}`))["status"]).toBe("running");
  await ask(`/v1/jobs/${jobId}/cancel`, {});
});

/** Mount a component that reaches the server through the proxy. */
async function mount(mounting: Partial<Mounting>): Promise<void> {
  await open.page.evaluate((to) => page.mount(to), { apiKey, apiBase: proxy.url, ...mounting });
}

/** What the component shows once `condition` holds. */
async function until(condition: (shown: Shown) => boolean): Promise<Shown> {
  for (;;) {
    const now = await shown();
    if (condition(now)) return now;
    await open.page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)));
  }
}

async function shown(): Promise<Shown> {
  return JSON.parse((await open.page.textContent("main:last-child pre")) ?? "null") as Shown;
}

function counted(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}
