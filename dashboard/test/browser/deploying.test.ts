/** Deploying as an author does it: by dropping a folder or a zip, and mending what was wrong. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { strToU8, zipSync } from "fflate";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { launch, look, type SignedIn, signIn } from "./harness/browser";
import { drag, drop } from "./harness/drop";

const server = inject("server");
const EXAMPLE = join(import.meta.dirname, "../../../examples/hello-world");
const SKILL = `description: Greets.
entrypoint: main.py:run
input_schema:
  type: object
`;
const MAIN = 'def run():\n    return {"greeting": "hi"}\n';
/** What is made in the example by whoever runs it. */
const MADE = /__pycache__|puras\.yaml$/;
let browser: Browser;
let signedIn: SignedIn;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "puras-drop-"));
  browser = await launch();
  signedIn = await signIn(browser, server);
});

afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true });
});

test("a folder that is dropped on the list becomes a new skillpack", async () => {
  const { page, problems } = signedIn;
  const pack = join(folder, "Dropped Pack");
  cpSync(EXAMPLE, pack, { recursive: true, filter: (path) => !MADE.test(path) });
  write(join(pack, "node_modules/left/out.js"), "x");
  write(join(pack, ".env"), "TOKEN=secret");
  await page.goto("/skillpacks");
  await page.getByRole("link", { name: "hello-world" }).waitFor();
  expect(await look(page, "skillpacks")).toEqual([]);

  const held = await drag(page, [pack]);
  await page.getByText("Drop it to deploy it").waitFor();
  await held.letGo();
  const out = page.getByRole("group").filter({ hasText: "4 things stay out" });
  await out.getByText("4 things stay out").click();
  const names = await out.getByRole("listitem").allTextContents();
  expect(names.sort()).toEqual([".env", ".purasignore", "README.md", "node_modules/"]);
  expect(await page.getByLabel("Slug").inputValue()).toBe("dropped-pack");
  await page.getByLabel("Notes").fill("the first one");
  expect(await look(page, "deploy-ready")).toEqual([]);
  await page.getByRole("button", { name: "Deploy", exact: true }).click();

  await page.getByRole("heading", { level: 1, name: "Dropped Pack" }).waitFor();
  const row = page.getByRole("row", { name: /Version 1/ });
  await row.getByText("active").waitFor();
  expect(await row.textContent()).toContain("the first one");
  await page.getByRole("tab", { name: "Files" }).click();
  await page.getByRole("button", { name: /greeting-card\/skill.yaml/ }).waitFor();
  expect(await page.getByText("node_modules").count()).toBe(0);
  expect(await page.getByText(".env").count()).toBe(0);
  expect(problems).toEqual([]);
});

test("what was deployed by the command line and is dropped here has the same files", async () => {
  const { page } = signedIn;
  await page.goto("/skillpacks/hello-world?tab=versions");
  await page.getByRole("link", { name: "Version 1" }).waitFor();
  const pack = join(folder, "hello-world");
  cpSync(EXAMPLE, pack, { recursive: true });
  await drop(page, pack);
  await page.getByRole("button", { name: "Deploy", exact: true }).waitFor();
  expect(await page.getByLabel("Skillpack").inputValue()).toBe("hello-world");
  await page.getByLabel(/Activate it/).uncheck();
  await page.getByRole("button", { name: "Deploy", exact: true }).click();
  await page.getByText("It waits to be activated.").waitFor();
  await page.getByRole("link", { name: "Version 2" }).click();
  const changed = page.getByRole("region", { name: "Changed since version 1" });
  await changed.waitFor();
  const names = (await changed.getByRole("button").allTextContents()).join(" ");
  // The command line notes in it which skillpack the folder is.
  expect(names.replaceAll(/puras\.yaml\S*/g, "")).not.toMatch(/changed|added|removed/);
});

test("a zip with faults says where they are, and is deployed once it is mended", async () => {
  const { page, problems } = signedIn;
  await page.goto("/deploy");
  await page.getByText("Drop a folder or a zip here").waitFor();
  expect(await look(page, "deploy")).toEqual([]);
  await drop(
    page,
    zip("faulty.zip", {
      "faulty/broken/skill.yaml":
        "description: Breaks.\ninput_schema:\n  type: [object\nentrypoint: x\n",
      "faulty/hello/skill.yaml": SKILL.replace("input_schema", "imput_schema"),
      "faulty/hello/main.py": MAIN,
    }),
  );
  await page.getByRole("button", { name: "Deploy", exact: true }).click();
  const alert = page.getByRole("alert").filter({ hasText: "fault" });
  const broken = alert.getByRole("region", { name: "broken/skill.yaml" });
  await broken.getByText(/^line \d+/).waitFor();
  await broken.getByText("entrypoint: x").waitFor();
  await alert
    .getByRole("region", { name: "hello/skill.yaml" })
    .getByText(/imput_schema/)
    .first()
    .waitFor();
  expect(await look(page, "deploy-faults")).toEqual([]);

  await drop(page, zip("faulty.zip", files("faulty/")));
  await page.getByText(/^faulty: /).waitFor();
  await expect.poll(() => alert.count()).toBe(0);
  await page.getByRole("button", { name: "Deploy", exact: true }).click();
  await page.getByRole("heading", { level: 1, name: "faulty" }).waitFor();
  await page.getByRole("link", { name: "Version 1" }).waitFor();
  expect(problems).toEqual([]);
});

test("a folder and a zip can be chosen with buttons, and what is no zip is refused", async () => {
  const { page } = signedIn;
  await page.goto("/deploy");
  await choose(page, "Choose a zip", write(join(folder, "notes.zip"), "no zip"));
  await page.getByText("This is no zip file").waitFor();
  await choose(page, "Choose a zip", zip("chosen.zip", files("")));
  await page.getByText(/^hello: /).waitFor();
  await page.getByRole("button", { name: "Choose something else" }).click();
  const chosen = join(folder, "chosen");
  for (const [path, text] of Object.entries(files(""))) write(join(chosen, path), text);
  await choose(page, "Choose a folder", chosen);
  await page.getByText(/^chosen: /).waitFor();
});

function files(prefix: string): Record<string, string> {
  return {
    [`${prefix}hello/skill.yaml`]: SKILL,
    [`${prefix}hello/main.py`]: MAIN,
  };
}

async function choose(page: Page, button: string, path: string): Promise<void> {
  const chooser = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: button }).click();
  await (await chooser).setFiles(path);
}

function zip(name: string, content: Record<string, string>): string {
  const entries = Object.entries(content).map(([path, text]) => [path, strToU8(text)]);
  return write(join(folder, name), zipSync(Object.fromEntries(entries)));
}

function write(path: string, content: string | Uint8Array): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}
