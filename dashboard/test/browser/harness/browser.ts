/** The real Chromium, signed in, with what goes wrong in it kept, and what a person would see. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import axe from "axe-core";
import {
  type Browser,
  type BrowserContext,
  type ConsoleMessage,
  chromium,
  type Page,
} from "playwright-core";
import type { Address } from "./server";
import { WORK } from "./server";

const CHROMIUM = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
const QUIET = [
  "--no-sandbox",
  "--disable-gpu",
  "--no-first-run",
  "--disable-background-networking",
];
const PATIENCE_MS = 20_000;
export const WIDTHS = [360, 768, 1440];
export const THEMES = ["light", "dark"] as const;

/** Start it with a fresh profile. */
export function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: QUIET });
}

export interface SignedIn {
  readonly context: BrowserContext;
  readonly page: Page;
  /** Uncaught errors, and whatever the console calls an error: the policy's refusals too. */
  readonly problems: string[];
}

/** Open the dashboard, and sign in as a person does. */
export async function signIn(browser: Browser, server: Address): Promise<SignedIn> {
  const context = await browser.newContext({ baseURL: server.url, reducedMotion: "reduce" });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error" && !isBrowsersOwn(message)) problems.push(message.text());
  });
  await page.goto("/login");
  await page.getByRole("textbox", { name: "Secret key" }).fill(server.key);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { level: 1, name: "Skills" }).waitFor();
  return { context, page, problems };
}

/** What axe finds wrong on the page as it is; each with the element. */
export async function faultsOf(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as { axe: typeof axe }).axe.run(),
  );
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html}: ${failureSummary}`),
  );
}

/**
 * Look at the page in both themes and three widths: axe must find nothing, and nothing may have to be
 * scrolled sideways. The pictures are in `.work/pictures`.
 */
export async function look(page: Page, name: string): Promise<string[]> {
  const faults: string[] = [];
  mkdirSync(join(WORK, "pictures"), { recursive: true });
  for (const theme of THEMES) {
    await choose(page, theme);
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 900 });
      const path = join(WORK, "pictures", `${name}-${theme}-${width}.png`);
      await page.screenshot({ path, fullPage: true });
      const where = `${name}, ${theme}, ${width} px`;
      if (await isTooWide(page)) faults.push(`${where}: wider than the window`);
      faults.push(...(await faultsOf(page)).map((fault) => `${where}: ${fault}`));
    }
  }
  await choose(page, "light");
  await page.setViewportSize({ width: 1440, height: 900 });
  return faults;
}

/** As the theme's button does: what the system prefers takes effect a frame later, or two. */
export function choose(page: Page, theme: (typeof THEMES)[number]): Promise<void> {
  return page.evaluate((chosen) => {
    document.documentElement.dataset["theme"] = chosen;
  }, theme);
}

function isTooWide(page: Page): Promise<boolean> {
  return page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
}

/** Chromium itself notes each answer that is no 2xx; no page can help it. */
function isBrowsersOwn(message: ConsoleMessage): boolean {
  return message.text().startsWith("Failed to load resource: ");
}
