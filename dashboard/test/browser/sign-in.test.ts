import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { launch } from "./harness/browser";
import { ask, LINK, signIn, URL, type Visitor, visit } from "./visitor";

let browser: Browser;
let visitor: Visitor;

beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());
beforeEach(async () => {
  visitor = await visit(browser);
});
afterEach(() => visitor.leave());

test("the link that the server prints signs in once, and leaves nothing in the address", async () => {
  const { page } = visitor;
  await page.goto(LINK);
  await page.getByRole("heading", { name: "Skills" }).waitFor();
  expect(page.url()).toBe(`${URL}/skills`);
  await page.goBack().catch(() => null);
  expect(page.url()).not.toContain("#");

  const second = await visit(browser);
  await second.page.goto(LINK);
  await second.page.getByRole("alert").getByText("this link was used before").waitFor();
  await second.leave();
});

test("a key that is not good is told of, and one that is leads to where one wanted to be", async () => {
  const { page } = visitor;
  await page.goto(`${URL}/settings`);
  await page.waitForURL(/\/login\?next=%2Fsettings$/);
  await page.getByRole("textbox", { name: "Secret key" }).fill("puras_live_nothing.nothing");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").waitFor();
  await signIn(page, "/settings");
  await page.getByText("everything in this workspace").waitFor();
});

test("a session lasts over a reload, and is over everywhere once it was ended", async () => {
  const { page } = visitor;
  await signIn(page, "/settings");
  await page.reload();
  await page.getByText("this browser").waitFor();
  const storage = await page.evaluate(() => JSON.stringify([{ ...localStorage }, document.cookie]));
  expect(storage).not.toContain("puras_");

  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL(`${URL}/login`);
  await page.goto(`${URL}/skills`);
  await page.waitForURL(/\/login/);
});

test("a visitor sees the page of a public skill, and is asked to sign in to run it", async () => {
  await ask("/v1/skillpacks/hello-world", { public: true }, "PATCH");
  const { page } = visitor;
  await page.goto(`${URL}/local/hello-world/greeting-card`);
  await page.getByRole("heading", { name: "Greeting card" }).waitFor();
  expect(await page.getByRole("button", { name: "Run", exact: true }).count()).toBe(0);
  await page.getByRole("link", { name: "Sign in to run it" }).click();
  await page.waitForURL(/\/login\?next=/);
});

test("a visitor does not learn whether a private skill exists", async () => {
  const { page } = visitor;
  await page.goto(`${URL}/local/parts/ticker`);
  await page.getByRole("alert").getByText("there is no skill").waitFor();
});
