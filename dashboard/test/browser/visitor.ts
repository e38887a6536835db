/** Somebody with a browser: a fresh profile, a page, and a note of all that goes wrong in it. */
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { expect, inject } from "vitest";

export const { url: URL, key: KEY, link: LINK } = inject("server");

export interface Visitor {
  readonly page: Page;
  /** Uncaught errors, and what the console calls an error: breaches of the policy are among them. */
  readonly problems: string[];
  leave(): Promise<void>;
}

export async function visit(
  browser: Browser,
  options: BrowserContextOptions = {},
): Promise<Visitor> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (message) => {
    // Chromium itself notes each answer that is no 2xx.
    const isNoted = message.text().startsWith("Failed to load resource: ");
    if (message.type() === "error" && !isNoted) problems.push(message.text());
  });
  const leave = async () => {
    await context.close();
    expect(problems).toEqual([]);
  };
  return { page, problems, leave };
}

/** Sign in with the key, and come to `path`. */
export async function signIn(page: Page, path = "/skills"): Promise<void> {
  await page.goto(`${URL}/login?next=${encodeURIComponent(path)}`);
  await page.getByRole("textbox", { name: "Secret key" }).fill(KEY);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(`${URL}${path}`);
}

/** Press Run, and wait for the status that ends the run. */
export async function run(page: Page, status = "succeeded"): Promise<void> {
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await ended(page, status);
}

export async function ended(page: Page, status = "succeeded"): Promise<void> {
  await page
    .getByRole("heading", { name: new RegExp(`^Run (${status}|failed)$`) })
    .waitFor({ timeout: 90_000 });
  expect(await page.getByRole("heading", { name: /^Run / }).textContent()).toContain(status);
}

/** Call the API with the secret key. */
export async function ask<Answer>(path: string, body?: unknown, method = "POST"): Promise<Answer> {
  const response = await fetch(URL + path, {
    method: body === undefined ? "GET" : method,
    headers: { Authorization: `Bearer ${KEY}`, "Content-Type": "application/json" },
    body: body === undefined ? null : JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as Answer;
}
