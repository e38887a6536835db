/** The real Chromium, and pages in it that keep what goes wrong. */
import { type Browser, type ConsoleMessage, chromium, type Page } from "playwright-core";

const CHROMIUM = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
const QUIET = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Start it with a fresh profile. */
export function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: QUIET });
}

export interface OpenPage {
  readonly page: Page;
  /** Uncaught errors, unhandled rejections, and whatever the console calls an error. */
  readonly problems: string[];
  readonly warnings: string[];
}

export async function openPage(browser: Browser, url: string): Promise<OpenPage> {
  const page = await browser.newPage();
  const problems: string[] = [];
  const warnings: string[] = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error" && !isBrowsersOwn(message)) problems.push(message.text());
    if (message.type() === "warning") warnings.push(message.text());
  });
  await page.goto(url);
  return { page, problems, warnings };
}

/** Chromium itself notes each answer that is no 2xx, and each line that breaks; no page can help it. */
function isBrowsersOwn(message: ConsoleMessage): boolean {
  return message.text().startsWith("Failed to load resource: ");
}
