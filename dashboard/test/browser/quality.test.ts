/** Every page, in both themes and at three widths: axe finds nothing, and nothing sticks out. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launch, look } from "./harness/browser";
import { ask, signIn, URL, visit } from "./visitor";

let browser: Browser;
let pages: Record<string, string>;

beforeAll(async () => {
  browser = await launch();
  const film = await ranTo("ugc-ads/ugc-ad", { product: "https://example.com/product" });
  const card = await ranTo("hello-world/greeting-card", { name: "Ada" });
  pages = {
    skills: "/skills",
    settings: "/settings",
    form: "/local/parts/everything",
    film: `/local/ugc-ads/ugc-ad?job=${film}`,
    card: `/local/hello-world/greeting-card?job=${card}`,
    reference: "/local/parts/everything?tab=reference",
    call: "/local/hello-world/greeting-card?tab=call",
    evals: "/local/triage/ticket?tab=evals",
    runs: "/local/hello-world/greeting-card?tab=runs",
    missing: "/there/is-no",
  };
});
afterAll(() => browser.close());

test("every page is sound, in both themes and at three widths", { timeout: 300_000 }, async () => {
  const { page, leave } = await visit(browser);
  await page.goto(`${URL}/login`);
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  expect(await look(page, "login")).toEqual([]);
  await signIn(page);
  for (const [name, path] of Object.entries(pages)) {
    await page.goto(URL + path);
    await page.locator("h1").waitFor();
    await page.waitForLoadState("networkidle");
    expect(await look(page, name)).toEqual([]);
  }
  await leave();
});

test("a narrow screen has its navigation behind a button", async () => {
  const { page, leave } = await visit(browser, { viewport: { width: 360, height: 720 } });
  await signIn(page);
  const menu = page.getByRole("navigation", { name: "Main" });
  expect(await menu.isVisible()).toBe(false);
  await page.getByRole("button", { name: "Open the menu" }).click();
  await menu.getByRole("link", { name: "Settings" }).click();
  await page.getByRole("heading", { name: "Settings" }).waitFor();
  expect(await menu.isVisible()).toBe(false);
  await leave();
});

test("the first key leads past the navigation, and the theme stays chosen", async () => {
  const { page, leave } = await visit(browser, { colorScheme: "light" });
  await signIn(page, "/settings");
  await page.reload();
  await page.getByRole("heading", { name: "Settings" }).waitFor();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await expect.poll(() => page.evaluate(() => document.activeElement?.id)).toBe("main");
  await page.getByRole("button", { name: /^Theme: system/ }).click();
  await page.getByRole("button", { name: /^Theme: light/ }).click();
  await page.reload();
  await page.getByRole("button", { name: /^Theme: dark/ }).waitFor();
  expect(await page.evaluate(() => document.documentElement.dataset["theme"])).toBe("dark");
  await leave();
});

async function ranTo(skill: string, inputs: unknown): Promise<string> {
  const job = await ask<{ id: string }>("/v1/jobs?wait=true", { skill, inputs });
  return job.id;
}

test("a page whose code does not come says so, and comes with the next try", async () => {
  const { page, problems, leave } = await visit(browser);
  await signIn(page);
  await page.route("**/assets/**", (route) => route.abort());
  await page.getByRole("link", { name: "Workers" }).click();
  await page.getByRole("alert").getByText("This page could not be loaded").waitFor();
  problems.length = 0; // React notes what a page of ours caught.
  await page.unroute("**/assets/**");
  await page.getByRole("button", { name: "Load it again" }).click();
  await page.getByRole("heading", { level: 1, name: "Workers" }).waitFor();
  await leave();
});
