/**
 * Takes a picture of every page, in both themes: whole and at three widths into `.work/pictures`, to
 * be looked at, and the upper part at two of them into the documentation.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { choose, launch, signIn, THEMES, WIDTHS } from "../browser/harness/browser";
import { EXAMPLES, ROOT, type Server, startServer, WORK } from "../browser/harness/server";
import { play, type Shown } from "./scene";

const REVIEWED = join(WORK, "pictures");
const KEPT = join(ROOT, "docs/howto/pictures");
/** Of the widths, those that are kept, and how tall such a picture is at most. */
const TALLEST: Readonly<Record<number, number>> = { 360: 1200, 1440: 900 };
const QUALITY = 70;

let browser: Browser;
let server: Server;
let pages: Record<string, Shown>;

beforeAll(async () => {
  mkdirSync(REVIEWED, { recursive: true });
  browser = await launch();
  server = await startServer({ ...EXAMPLES, parts: "dashboard/test/browser/skills" });
  pages = await play(server);
});
afterAll(async () => {
  await browser?.close();
  await server?.close();
});

test("every page", async () => {
  rmSync(KEPT, { recursive: true, force: true });
  mkdirSync(KEPT);
  const { page, problems } = await signIn(browser, server);
  const empty: string[] = [];
  for (const [name, { path, until }] of Object.entries(pages)) {
    await page.goto(path);
    const heading = page.getByRole("heading", { name: until });
    const there = page.getByText(until).or(heading).first();
    await there.waitFor().catch(() => empty.push(name));
    await page.waitForTimeout(SETTLING_MS);
    await take(page, name);
  }
  await page.context().clearCookies();
  await page.goto("/login");
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await take(page, "login");
  expect(empty).toEqual([]);
  expect(problems).toEqual([]);
});

/** For what comes after the first words: pictures, charts, lists that are measured. */
const SETTLING_MS = 2000;

async function take(page: Page, name: string): Promise<void> {
  for (const theme of THEMES) {
    await choose(page, theme);
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 900 });
      await page.waitForTimeout(200);
      const file = `${name}-${theme}-${width}`;
      await page.screenshot({ path: join(REVIEWED, `${file}.png`), fullPage: true });
      const tallest = TALLEST[width];
      if (tallest) await keep(page, `${file}.webp`, { width, tallest });
    }
  }
}

/** Small files: Chromium itself writes WebP. */
async function keep(page: Page, file: string, size: { width: number; tallest: number }) {
  const devtools = await page.context().newCDPSession(page);
  const whole = await page.evaluate(() => document.documentElement.scrollHeight);
  const height = Math.min(whole, size.tallest);
  const { data } = await devtools.send("Page.captureScreenshot", {
    format: "webp",
    quality: QUALITY,
    captureBeyondViewport: true,
    clip: { x: 0, y: 0, width: size.width, height, scale: 1 },
  });
  writeFileSync(join(KEPT, file), Buffer.from(data, "base64"));
  await devtools.detach();
}
