/** Money and workers, as an operator looks after them. */

import type { Browser } from "playwright-core";
import { Puras } from "puras";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { launch, look, type SignedIn, signIn } from "./harness/browser";

const server = inject("server");
const puras = new Puras({ apiKey: server.key, apiBase: server.url, skillpack: "runtimes" });
let browser: Browser;
let signedIn: SignedIn;

beforeAll(async () => {
  await puras.run("ticker", { ticks: 2, pause: 0.2 });
  browser = await launch();
  signedIn = await signIn(browser, server);
});

afterAll(() => browser?.close());

test("the balance, the ledger and the spend tell of what ran", async () => {
  const { page } = signedIn;
  await page.goto("/money");
  const ledger = page.getByRole("table", { name: "Ledger" });
  await ledger.getByText("debit").first().waitFor();
  expect(await page.getByText("spent today").count()).toBe(1);
  const chart = page.getByRole("img", { name: /^Spend by day: at most/ });
  await chart.waitFor();
  expect((await chart.boundingBox())?.width).toBeGreaterThan(400);
  await page.getByText("As a table").click();
  await page.getByRole("table", { name: "Spend by day" }).waitFor();
  await page.getByRole("tab", { name: "By skill" }).click();
  const bySkill = page.getByRole("table", { name: "Spend by skill" });
  await bySkill.getByText("runtimes/ticker").waitFor();
  await page.getByLabel("The last").selectOption("7");
  await page.waitForURL(/days=7/);
});

test("a budget is made, shows what is spent of it, is changed, and deleted", async () => {
  const { page, problems } = signedIn;
  await page.goto("/money");
  await page.getByRole("button", { name: "New budget" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("For", { exact: true }).selectOption("runtimes/ticker");
  await dialog.getByLabel("Limit in US dollars").fill("5");
  expect(await look(page, "budget")).toEqual([]);
  await dialog.getByRole("button", { name: "Make it" }).click();

  const row = page.getByRole("row", { name: /runtimes\/ticker/ }).filter({ hasText: "each month" });
  await row
    .getByText(/of \$5\.00/)
    .last()
    .waitFor();
  expect(await look(page, "money")).toEqual([]);
  await row.getByRole("button", { name: /^Edit/ }).click();
  await dialog.getByLabel("Limit in US dollars").fill("0.001");
  await dialog.getByRole("button", { name: "Save" }).click();
  await row.getByText("used up").waitFor();
  await expect(puras.submit("ticker")).rejects.toMatchObject({ code: "budget_exhausted" });

  await row.getByRole("button", { name: /^Delete/ }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await page.getByText("The budget is deleted").waitFor();
  await page.getByText("There are no budgets").waitFor();
  expect(problems).toEqual([]);
});

test("the workers' page tells who is alive and what runs", async () => {
  const { page, problems } = signedIn;
  const job = await puras.submit("slow");
  await page.goto("/workers");
  await page
    .getByText(/^[1-9]\d* of \d+$/)
    .last()
    .waitFor();
  const running = page.getByRole("table", { name: "What runs" });
  await running.getByRole("link", { name: job.id.slice(-8) }).waitFor();
  expect(await look(page, "workers")).toEqual([]);
  await puras.cancel(job.id);
  await page
    .getByText(/^0 of \d+$/)
    .last()
    .waitFor();
  expect(problems).toEqual([]);
});
