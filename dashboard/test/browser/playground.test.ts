import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { launch } from "./harness/browser";
import { ended, run, signIn, type Visitor, visit } from "./visitor";

const PHOTO = join(import.meta.dirname, "../../../examples/image-tools/photo.jpg");

let browser: Browser;
let visitor: Visitor;
let page: Page;

beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());
beforeEach(async () => {
  visitor = await visit(browser);
  page = visitor.page;
});
afterEach(() => visitor.leave());

test("an example runs with two clicks, shows its picture, and takes a thumb", async () => {
  await signIn(page, "/local/hello-world/greeting-card");
  await page.getByRole("button", { name: "Thanks, in green" }).click();
  await run(page);
  await page.getByRole("img", { name: "card" }).waitFor();
  await page.getByText("Thank you, Grace Hopper!").waitFor();
  await page.getByRole("button", { name: "Good" }).click();
  await page.getByText("it is kept with the job").waitFor();
});

test("a picture is stored, shown, and worked on by every image tool", async () => {
  await signIn(page, "/local/image-tools/dominant-colors");
  const file = { name: "photo.jpg", mimeType: "image/jpeg", buffer: readFileSync(PHOTO) };
  await page.getByLabel("A file for image", { exact: true }).setInputFiles(file);
  await page.getByRole("img", { name: "what you chose" }).waitFor();
  await run(page);
  expect(await page.getByRole("row").count()).toBe(1 + 5);
  const path = await page.getByRole("textbox", { name: "image" }).inputValue();

  await page.goto(page.url().replace(/image-tools\/.*/, "image-tools/dimensions"));
  await page.getByRole("textbox", { name: "image" }).fill(path);
  await run(page);
  const examples = {
    dimensions: "A small sunset",
    thumbnail: "For a list of pictures",
    "strip-exif": "Before a photo goes online",
  };
  for (const [skill, example] of Object.entries(examples)) {
    await page.goto(page.url().replace(/image-tools\/.*/, `image-tools/${skill}`));
    await page.getByRole("button", { name: example }).click();
    await page.getByRole("img", { name: "what you chose" }).waitFor();
    await run(page);
  }
});

test("an agent's steps, tools and subagents stand in a tree, and its film plays", async () => {
  await signIn(page, "/local/ugc-ads/ugc-ad");
  await page.getByRole("button", { name: "Fifteen seconds" }).click();
  await run(page);
  await page.getByLabel("video", { exact: true }).waitFor();
  await page.getByLabel("voice", { exact: true }).waitFor();
  const events = page.getByRole("group", { name: "Events" });
  await events.getByText("write_script").first().waitFor();
  const fold = events.getByRole("button", { name: "write_script: what is inside" }).first();
  await fold.click();
  expect(await fold.getAttribute("aria-expanded")).toBe("false");
});

test("a support ticket is read by an agent", async () => {
  await signIn(page, "/local/triage/ticket");
  await page.getByRole("button", { name: "Charged twice" }).click();
  await run(page);
  await page.getByRole("tab", { name: "JSON" }).click();
  await page.getByText('"category"').waitFor();
});

test("what is wrong is told at its field: first by the form, then by the server", async () => {
  await signIn(page, "/local/parts/everything");
  await page.getByRole("button", { name: "Run", exact: true }).click();
  const summary = page.getByRole("alert");
  await summary.getByRole("button", { name: "home.city" }).click();
  const city = page.getByRole("textbox", { name: "city" });
  await expect.poll(() => city.evaluate((input) => input === document.activeElement)).toBe(true);
  expect(await city.getAttribute("aria-invalid")).toBe("true");

  await page.getByRole("textbox", { name: "A few words" }).fill("well");
  await city.fill("Oslo");
  await page.getByRole("textbox", { name: "zip" }).fill("not a zip");
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await summary.getByRole("button", { name: "home.zip" }).waitFor();
  expect(await page.getByRole("textbox", { name: "zip" }).getAttribute("aria-invalid")).toBe(
    "true",
  );
});

test("every kind of field is filled in, sent with Ctrl and Enter, and shown again", async () => {
  await signIn(page, "/local/parts/everything");
  await page.getByRole("textbox", { name: "city" }).fill("Oslo");
  await page.getByLabel("essay").fill("one\ntwo");
  await page.getByLabel("share").fill("0.5");
  await page.getByLabel("sure").selectOption("yes");
  await page.getByLabel("size").selectOption("m");
  const tags = page.getByRole("group", { name: "tags" });
  for (const tag of ["a", "b", "c"]) {
    await tags.getByRole("button", { name: "One more" }).click();
    await tags.getByRole("textbox").last().fill(tag);
  }
  expect(await tags.getByRole("button", { name: "One more" }).isDisabled()).toBe(true);
  await tags.getByRole("button", { name: "Take away tags 2" }).click();
  await page
    .getByRole("group", { name: "stops" })
    .getByRole("button", { name: "One more" })
    .click();
  await page.getByRole("group", { name: "stops 1" }).getByRole("textbox").first().fill("Rome");
  await page.getByRole("group", { name: "pay" }).getByLabel("Kind").selectOption("In cash");
  await page.getByLabel("coins").fill("7");
  await page.getByRole("textbox", { name: "extra" }).fill('{"k": [1]}');
  await page.getByRole("textbox", { name: "A few words" }).fill("well");
  await page.getByRole("textbox", { name: "A few words" }).press("Control+Enter");
  await ended(page);

  // Markdown is shown as such, and HTML as text.
  await page.locator("strong", { hasText: "well" }).waitFor();
  await page.getByText("<script>alert(1)</script>").waitFor();
  await page.getByRole("tab", { name: "JSON" }).click();
  const json = await page.getByRole("group", { name: "the result as JSON" }).textContent();
  expect(JSON.parse(json ?? "").said).toMatchObject({
    words: "well",
    essay: "one\ntwo",
    share: 0.5,
    count: 3,
    sure: true,
    tint: "#1f9d63",
    size: "m",
    tags: ["a", "c"],
    home: { city: "Oslo" },
    stops: [{ city: "Rome" }],
    pay: { coins: 7 },
    extra: { k: [1] },
  });
});

test("a reload in the middle finds the run where it is, with what it was given", async () => {
  await signIn(page, "/local/parts/ticker");
  await page.getByLabel("ticks").fill("40");
  await page.getByLabel("pause").fill("0.2");
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await page.getByText("tick 5", { exact: true }).waitFor();
  await page.reload();
  await page.getByText("tick 6", { exact: true }).waitFor();
  expect(await page.getByLabel("ticks").inputValue()).toBe("40");
  await ended(page);
});

test("a run is cancelled at once", async () => {
  await signIn(page, "/local/parts/ticker");
  await page.getByLabel("ticks").fill("1000");
  await page.getByLabel("pause").fill("0.5");
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await page.getByText("tick 1", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Cancel" }).click();
  await ended(page, "cancelled");
  await page.getByText("It was cancelled").waitFor();
});

test("a run that asks goes on with the answer", async () => {
  await signIn(page, "/local/parts/asking");
  await page.getByRole("textbox", { name: "text" }).fill("news");
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await page.getByRole("heading", { name: "May it use publish?" }).waitFor();
  await page.getByRole("textbox", { name: "Why, or why not" }).fill("it is fine");
  await page.getByRole("button", { name: "Approve" }).click();
  await ended(page);
  await page.getByText("publish: approved").waitFor();
});

test("ten thousand events are all there, with only those in sight on the page", async () => {
  await signIn(page, "/local/parts/ticker");
  await page.getByLabel("ticks").fill("9900");
  await run(page);
  const events = page.getByRole("group", { name: "Events" });
  await events.getByText("succeeded").waitFor();
  expect(await events.getByRole("listitem").count()).toBeLessThan(80);
  expect(await events.evaluate(medianFrame)).toBeLessThan(100);
  await expect.poll(() => events.getByText("tick 1", { exact: true }).count()).toBe(1);
});

/**
 * Scroll from end to beginning in a hundred steps; return how long a frame took, in milliseconds. It is
 * the median, since a machine that does much else misses some.
 */
async function medianFrame(box: HTMLElement | SVGElement): Promise<number> {
  const frame = () => new Promise<number>((resolve) => requestAnimationFrame(resolve));
  const from = box.scrollTop;
  const frames: number[] = [];
  let last = await frame();
  for (let step = 1; step <= 100; step++) {
    box.scrollTop = from * (1 - step / 100);
    const now = await frame();
    frames.push(now - last);
    last = now;
  }
  box.scrollTop = 0;
  return frames.sort((one, other) => one - other)[50] ?? 0;
}
