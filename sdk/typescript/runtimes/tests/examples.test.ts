/** The examples of the repository, used as their READMEs say. The Expo app is with React Native. */
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { API, publishableKey, SECRET_KEY } from "../harness/api";
import { launch, type OpenPage, openPage } from "../harness/browser";
import { copyOf, npm } from "../harness/examples";
import { type Pages, servePages } from "../harness/pages";

describe("the script for Node", () => {
  const variables = { PURAS_API_BASE: API, PURAS_API_KEY: SECRET_KEY };
  let folder: string;
  beforeAll(async () => {
    folder = copyOf("node-script");
    await npm(folder, ["install"]);
  });

  test("prints each event, then the card", async () => {
    const lines = (await npm(folder, ["start", "--silent", "--", "Grace"], variables)).split("\n");
    expect(lines[0]).toBe("1 status { status: 'queued' }");
    expect(lines.join("\n")).toContain("progress { fraction: 0.1, message: 'drawing' }");
    expect(lines.at(-2)).toMatch(/^Happy birthday, Grace! http\S+$/);
  });

  test("tells why it was refused", async () => {
    const running = npm(folder, ["start", "--silent", "--", "x".repeat(50)], variables);
    await expect(running).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining("It was refused: 400 invalid_inputs"),
    });
  });
});

describe("the React app", () => {
  let browser: Browser;
  let pages: Pages;
  let open: OpenPage;
  beforeAll(async () => {
    const folder = copyOf("react-app");
    pages = await servePages(join(folder, "dist"));
    const fence = { skills: ["hello-world/greeting-card"], allowed_origins: [pages.origin] };
    await npm(folder, ["run", "build"], {
      VITE_PURAS_BASE: API,
      VITE_PURAS_KEY: await publishableKey(fence),
    });
    browser = await launch();
    open = await openPage(browser, `${pages.origin}/`);
  });
  afterAll(async () => {
    await browser.close();
    await pages.close();
  });

  test("draws a card, and its progress bar moves on the way", async () => {
    const { page, problems } = open;
    await keepProgress(page);
    await page.getByLabel("Occasion").selectOption("thanks");
    let onTheWay: number[] = [];
    // A card is drawn in a moment: on a busy machine all that is told of it may come at once.
    for (let cards = 0; cards < 10 && onTheWay.length === 0; cards += 1) {
      await page.getByLabel("Name").fill(`Grace ${cards}`);
      await takeProgress(page);
      await page.getByText("Draw").click();
      await page.getByText(`Thank you, Grace ${cards}!`).waitFor();
      const seen = await takeProgress(page);
      expect(seen).toEqual(seen.toSorted((one, other) => one - other));
      expect(seen.at(-1)).toBe(100);
      onTheWay = seen.filter((percent) => percent > 0 && percent < 100);
    }
    expect(onTheWay).not.toEqual([]);
    expect(await pictureWidth(page)).toBeGreaterThan(100);
    expect(problems).toEqual([]);
  });
});

/** Keep in the page every value that its progress bar has. */
async function keepProgress(page: Page): Promise<void> {
  await page.evaluate(() => {
    const seen: number[] = Object.assign(globalThis, { progress: [] }).progress;
    const look = (): void => {
      const bar = document.querySelector("[role=progressbar]");
      if (bar) seen.push(Number(bar.getAttribute("aria-valuenow")));
    };
    const everything = { subtree: true, childList: true, attributes: true };
    new MutationObserver(look).observe(document.body, everything);
  });
}

/** What was kept since the last time. */
function takeProgress(page: Page): Promise<number[]> {
  return page.evaluate(() => (globalThis as unknown as { progress: number[] }).progress.splice(0));
}

/** How wide the picture on the page is in itself; 0 where it is none. */
function pictureWidth(page: Page): Promise<number> {
  return page.locator("img").evaluate(async (element) => {
    const picture = element as HTMLImageElement;
    await picture.decode();
    return picture.naturalWidth;
  });
}
