/** Jobs, as a person looks after them: found, watched, cancelled, run again, given away. */
import { readFileSync } from "node:fs";
import type { Browser } from "playwright-core";
import { type Job, Puras } from "puras";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { launch, look, type SignedIn, signIn } from "./harness/browser";

const server = inject("server");
const puras = new Puras({ apiKey: server.key, apiBase: server.url, skillpack: "runtimes" });
let browser: Browser;
let signedIn: SignedIn;

beforeAll(async () => {
  browser = await launch();
  signedIn = await signIn(browser, server);
});

afterAll(() => browser?.close());

test("the list shows new jobs by itself, and only those that fit its filters", async () => {
  const { page, problems } = signedIn;
  await puras.submit("failing", {}, { wait: true });
  await page.goto("/jobs?status=failed");
  const table = page.getByRole("table", { name: "Jobs" });
  await table.getByText("runtimes/failing").first().waitFor();

  await page.getByLabel("Status").selectOption("");
  await page.getByLabel("Skillpack").selectOption("runtimes");
  await page.getByLabel("Skill", { exact: true }).selectOption("noop");
  await page.waitForURL("/jobs?skillpack=runtimes&skill=noop");
  const job = await puras.submit("noop", { word: "new" }, { wait: true });
  await table.getByRole("link", { name: job.id.slice(-8) }).waitFor();
  expect(await table.getByText("runtimes/failing").count()).toBe(0);
  await page.getByRole("button", { name: "Show all" }).click();
  await table.getByText("runtimes/failing").first().waitFor();
  expect(await look(page, "jobs")).toEqual([]);
  expect(problems).toEqual([]);
});

test("a job's page tells what was asked, what came of it, and what it took", async () => {
  const { page, problems } = signedIn;
  const job = await puras.submit("ticker", { ticks: 3, pause: 0.1 }, { wait: true });
  await page.goto(`/jobs/${job.id}`);
  await page.getByText("tick 2 ✓").waitFor();
  await page.getByRole("table", { name: "Spans" }).waitFor();
  await page.getByRole("table", { name: "Attempts" }).waitFor();
  const costs = page.getByRole("region", { name: "Cost" });
  await costs.getByRole("table").waitFor();
  const figures = (await costs.getByText(/^\$/).allTextContents()).map(micros);
  expect(figures.at(-1)).toBe(job["cost_micros"]);
  expect(sum(figures.slice(0, -1))).toBe(job["cost_micros"]);
  expect(await look(page, "job")).toEqual([]);
  expect(problems).toEqual([]);
});

test("a job that runs is cancelled from its page", async () => {
  const { page } = signedIn;
  const job = await puras.submit("slow");
  await page.goto(`/jobs/${job.id}`);
  await page.getByText("began").first().waitFor();
  expect(await look(page, "job-running")).toEqual([]);
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByText("It was cancelled").waitFor();
  expect((await puras.get(job.id)).status).toBe("cancelled");
});

test("a job is run again, as it was and on another version", async () => {
  const { page } = signedIn;
  const job = await puras.submit("noop", { word: "again" }, { wait: true });
  const id = await replayed(job, "1");
  await page.getByText("succeeded").first().waitFor();
  const replay = await puras.wait(id);
  expect(replay.result).toEqual({ word: "again" });
  expect(replay["source"]).toBe("replay");
  await deployAgain();
  const other = await puras.wait(await replayed(job, "2"));
  expect([other["version"], other.result]).toEqual([2, { word: "again" }]);
});

test("a job is given away as a fixture with its request and its events", async () => {
  const { page } = signedIn;
  const job = await puras.submit("noop", { word: "shared" }, { wait: true });
  await page.goto(`/jobs/${job.id}`);
  await page.getByRole("button", { name: "Share as a fixture" }).click();
  const download = page.waitForEvent("download");
  await page.getByRole("dialog").getByRole("button", { name: "Download" }).click();
  const text = readFileSync(await (await download).path(), "utf8");
  const { request, outcome, events } = JSON.parse(text);
  expect(request).toMatchObject({ skill: "runtimes/noop", inputs: { word: "shared" } });
  expect(outcome.result).toEqual({ word: "shared" });
  expect(events.at(-1).payload.status).toBe("succeeded");
});

test("an agent's question is answered on its job's page, which then has all of its spans", async () => {
  const { page, problems } = signedIn;
  const job = await puras.submit("asking", { text: "news" }, { skillpack: "parts" });
  await page.goto(`/jobs/${job.id}`);
  await page.getByRole("heading", { name: "May it use publish?" }).waitFor();
  await page.getByRole("button", { name: "Approve" }).click();
  await page.getByRole("heading", { name: "Run succeeded" }).waitFor();
  const spans = page.getByRole("table", { name: "Spans" });
  await spans.getByText("llm").first().waitFor();
  await spans.getByText("tool").first().waitFor();
  expect(await look(page, "job-agent")).toEqual([]);
  expect(problems).toEqual([]);
});

/** Press the button, choose the version, and return the new job's id once its page is there. */
async function replayed(job: Job, version: string): Promise<string> {
  const { page } = signedIn;
  await page.goto(`/jobs/${job.id}`);
  await page.getByRole("button", { name: "Run again" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.locator(`option[value="${version}"]`).waitFor({ state: "attached" });
  await dialog.getByLabel("Version").selectOption(version);
  await dialog.getByRole("button", { name: "Run", exact: true }).click();
  await page.waitForURL((url) => url.pathname.startsWith("/jobs/") && !url.href.includes(job.id));
  return page.url().split("/").at(-1) ?? "";
}

/** Deploy what is active once more, as the next version. */
async function deployAgain(): Promise<void> {
  const pack = `${server.url}/v1/skillpacks/runtimes/deployments`;
  const headers = { Authorization: `Bearer ${server.key}` };
  const pulled = await fetch(`${pack}/pull`, { headers }).then((answer) => answer.json());
  const bundle = await fetch(pulled.download_url).then((answer) => answer.blob());
  const form = new FormData();
  form.append("bundle", bundle, "bundle.zip");
  const answer = await fetch(pack, { method: "POST", headers, body: form });
  if (!answer.ok) throw new Error(await answer.text());
}

function micros(text: string): number {
  return Math.round(Number(text.replace("$", "")) * 1_000_000);
}

function sum(figures: readonly number[]): number {
  return figures.reduce((total, figure) => total + figure, 0);
}
