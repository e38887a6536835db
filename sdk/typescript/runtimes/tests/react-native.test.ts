/** React Native: Metro bundles, Hermes compiles, and the SDK polls where a fetch can't stream. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FaultProxy } from "../faults/proxy";
import { API, publishableKey } from "../harness/api";
import { launch, openPage } from "../harness/browser";
import { pageFolder, workFolder } from "../harness/bundles";
import { copyOf } from "../harness/examples";
import { compileWithHermes, PHONE, withMetro } from "../harness/native";
import { servePages } from "../harness/pages";
import { SEEN } from "./tour";

declare const page: import("../page/main.mjs").Page;

/** What Hermes bytecode begins with. */
const HERMES_MAGIC = "c61fbc03c103191f";

let browser: Browser;
let proxy: FaultProxy;
beforeAll(async () => {
  browser = await launch();
  proxy = await FaultProxy.start(API);
});
afterAll(async () => {
  await browser.close();
  await proxy.close();
});

test("a bundle of Metro sees all of it by polling, where fetch gives no body", async () => {
  const folder = pageFolder("metro", { isModule: false });
  await withMetro("native/main.mjs", { out: join(folder, "main.js"), isForPhone: false });
  const pages = await servePages(folder);
  const open = await openPage(browser, `${pages.origin}/`);
  const target = { apiKey: await publishableKey(), apiBase: proxy.url };

  expect(await open.page.evaluate(() => new Response("").body)).toBeUndefined();
  expect(await open.page.evaluate((to) => page.tour(to), target)).toEqual(SEEN);
  expect(open.problems).toEqual([]);
  expect(proxy.count("/stream")).toBe(0);
  expect(proxy.count("/events")).toBeGreaterThan(0);

  await open.page.close();
  await pages.close();
});

test("Hermes compiles the example's app, with the hooks and React Native in it", async () => {
  copyOf("expo-app", PHONE);
  const script = join(workFolder("hermes"), "app.js");

  await withMetro("native/app.mjs", { out: script });
  expect(readFileSync(script, "utf8")).toContain("/v1/jobs");
  compileWithHermes(script, `${script}.hbc`);
  expect(readFileSync(`${script}.hbc`).subarray(0, 8).toString("hex")).toBe(HERMES_MAGIC);
});
