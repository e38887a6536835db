/** A page on one origin, the API on another, a publishable key between them. */
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { FaultProxy } from "../faults/proxy";
import { API, ask, publishableKey, SECRET_KEY, tick } from "../harness/api";
import { launch, type OpenPage, openPage } from "../harness/browser";
import { withEsbuild } from "../harness/bundles";
import { type Pages, servePages } from "../harness/pages";
import { AT_ONCE_MS, SEEN } from "./tour";

declare const page: import("../page/main.mjs").Page;

let browser: Browser;
let pages: Pages;
let proxy: FaultProxy;
let apiKey: string;
let open: OpenPage;

beforeAll(async () => {
  pages = await servePages(await withEsbuild());
  proxy = await FaultProxy.start(API);
  browser = await launch();
  apiKey = await publishableKey({ allowed_origins: [pages.origin] });
});
afterAll(async () => {
  await browser.close();
  await proxy.close();
  await pages.close();
});
beforeEach(async () => {
  open = await openPage(browser, `${pages.origin}/`);
});
afterEach(async () => {
  expect(open.problems).toEqual([]);
  await open.page.close();
});

test("a page sees all of it, over a stream, with a key that is fenced to its origin", async () => {
  const settings = { apiKey, apiBase: proxy.url };
  expect(await open.page.evaluate((to) => page.tour(to), settings)).toEqual(SEEN);
  expect(proxy.count("/stream")).toBeGreaterThan(0);
  expect(open.warnings).toEqual([]);
});

test("a page can read why it was refused", async () => {
  const fences = {
    skill: { skills: ["runtimes/ticker"] },
    origin: { allowed_origins: ["https://elsewhere.example"] },
    rate: { rate_per_minute: 1 },
  };

  expect(await refusal(await publishableKey(fences.skill))).toEqual({
    name: "PermissionDeniedError",
    status: 403,
    code: "skill_not_allowed",
    detail: expect.stringContaining("not allowed to run"),
    isTraced: true,
  });
  const elsewhere = await publishableKey(fences.origin);
  expect(await refusal(elsewhere)).toMatchObject({ status: 403, code: "origin_not_allowed" });
  const once = await publishableKey(fences.rate);
  expect(await refusal(once)).toBeUndefined();
  expect(await refusal(once)).toMatchObject({ name: "RateLimitError", code: "rate_limited" });
  expect(await refusal("puras_pub_a.b")).toMatchObject({
    name: "AuthenticationError",
    status: 401,
  });
});

function refusal(key: string): ReturnType<typeof page.refusal> {
  return open.page.evaluate((to) => page.refusal(to), { apiKey: key, apiBase: API });
}

test.each(["break", "return", "abort"] as const)(
  "%s frees the connection while the job runs",
  async (how) => {
    const jobId = await tick({ ticks: 1000, pause: 0.05 });
    const target = { apiKey: SECRET_KEY, apiBase: proxy.url, jobId, how };
    const streams = proxy.count("/stream");
    await open.page.evaluate((to) => page.leave(to), target);
    const left = Date.now();
    await proxy.until(() => proxy.openStreams === 0);
    expect(Date.now() - left).toBeLessThan(AT_ONCE_MS);
    expect(proxy.count("/stream")).toBe(streams + 1);
    expect((await ask(`/v1/jobs/${jobId}/cancel`, {}))["status"]).toBe("cancelled");
  },
);

test("a secret key in a page is warned of, once", async () => {
  await open.page.evaluate((keys) => page.clients(keys), [apiKey, SECRET_KEY, SECRET_KEY]);
  expect(open.warnings).toEqual([expect.stringContaining("secret key")]);
});
