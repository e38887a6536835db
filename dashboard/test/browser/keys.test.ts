/** Keys, as a person minds them: minted, shown once, used, revoked. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { launch, look, type SignedIn, signIn } from "./harness/browser";

const server = inject("server");
let browser: Browser;
let signedIn: SignedIn;

beforeAll(async () => {
  browser = await launch();
  signedIn = await signIn(browser, server);
});

afterAll(() => browser?.close());

test("a key is minted with its fences, shown once, and refused after it is revoked", async () => {
  const { page, problems } = signedIn;
  await page.goto("/keys");
  await page.getByRole("button", { name: "Mint a key" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("website");
  await dialog.getByLabel("Kind").selectOption("publishable");
  await dialog.getByLabel("runtimes/noop").check();
  await dialog.getByLabel("Daily cap in US dollars").fill("2");
  await dialog.getByLabel("Submits a minute").fill("30");
  await dialog.getByLabel("Origins").fill("https://app.example");
  await dialog.getByLabel("Last day").fill("2030-01-31");
  expect(await look(page, "mint")).toEqual([]);
  await dialog.getByRole("button", { name: "Mint", exact: true }).click();

  await dialog.getByText("Copy it now").waitFor();
  const key = String(await dialog.getByText(/^puras_pub_/).textContent());
  expect(await look(page, "minted")).toEqual([]);
  await dialog.getByRole("button", { name: "I have it" }).click();
  expect(await page.getByText(key).count()).toBe(0);
  expect((await submit(key)).status).toBe(201);

  const row = page.getByRole("row", { name: /website/ });
  await row.getByText("$0.00 of $2.00").last().waitFor();
  expect(await row.textContent()).toContain("only runtimes/noop");
  expect(await row.textContent()).toContain("30 submits a minute");
  expect(await look(page, "keys")).toEqual([]);

  await row.getByRole("button", { name: "Revoke website" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
  await page.getByText("website is revoked").waitFor();
  expect((await submit(key)).status).toBe(401);
  await expect.poll(() => row.count()).toBe(0);
  await page.getByLabel("Revoked ones too").check();
  await row.getByText("revoked").first().waitFor();
  expect(problems).toEqual([]);
});

test("what the server refuses is told beside the field, and the dialog stays", async () => {
  const { page } = signedIn;
  await page.goto("/keys");
  await page.getByRole("button", { name: "Mint a key" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("website");
  await dialog.getByLabel("Kind").selectOption("publishable");
  await dialog.getByLabel("Origins").fill("app.example");
  await dialog.getByRole("button", { name: "Mint", exact: true }).click();
  await dialog.getByText(/is no origin/).waitFor();
  expect(await dialog.getByLabel("Origins").getAttribute("aria-invalid")).toBe("true");
});

function submit(key: string): Promise<Response> {
  return fetch(`${server.url}/v1/jobs?skillpack=runtimes`, {
    method: "POST",
    headers: {
      Authorization: `Bearer ${key}`,
      "Content-Type": "application/json",
      Origin: "https://app.example",
    },
    body: JSON.stringify({ skill: "noop", inputs: { word: "hi" } }),
  });
}
