/** One page, three bundlers: each build works in Chromium, and none carries React. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { API, publishableKey } from "../harness/api";
import { launch, openPage } from "../harness/browser";
import { withEsbuild, withVite, withWebpack } from "../harness/bundles";
import { servePages } from "../harness/pages";
import { SEEN } from "./tour";

declare const page: import("../page/main.mjs").Page;

/** What the hooks are made of: a name that a minifier leaves alone. */
const REACT = "useSyncExternalStore";

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());

test.each([
  ["esbuild", () => withEsbuild()],
  ["Vite", withVite],
  ["webpack", withWebpack],
])("a page of %s sees all of it, and has no React in it", async (_, build) => {
  const folder = await build();
  const pages = await servePages(folder);
  const apiKey = await publishableKey({ allowed_origins: [pages.origin] });
  const open = await openPage(browser, `${pages.origin}/`);

  expect(await open.page.evaluate((to) => page.tour(to), { apiKey, apiBase: API })).toEqual(SEEN);
  expect(open.problems).toEqual([]);
  expect(scriptsOf(folder)).not.toContain(REACT);

  await open.page.close();
  await pages.close();
});

test("a page that imports puras/react has it", async () => {
  const entry = join(import.meta.dirname, "../react/page.tsx");
  expect(scriptsOf(await withEsbuild(entry))).toContain(REACT);
});

function scriptsOf(folder: string): string {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.m?js$/.test(name))
    .map((name) => readFileSync(join(folder, name), "utf8"))
    .join("\n");
}
