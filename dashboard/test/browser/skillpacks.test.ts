/** A skillpack as its operator minds it: rolled back, compared, given secrets, opened, deleted. */
import { strToU8, zipSync } from "fflate";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { launch, look, type SignedIn, signIn } from "./harness/browser";

const server = inject("server");
const LINES = Array.from({ length: 24 }, (_, at) => `# line ${at + 1}`).join("\n");
const SKILL = `title: Mind
description: Is minded.
entrypoint: main.py:run
input_schema:
  type: object
`;
let browser: Browser;
let signedIn: SignedIn;

beforeAll(async () => {
  const made = await send("POST", "/v1/skillpacks", { name: "Minded", slug: "minded" });
  expect(made.status).toBe(201);
  await deploy({ "mind/main.py": program("one"), "mind/gone.txt": "old\n" }, "the first");
  await deploy({ "mind/main.py": program("two"), "mind/fresh.txt": "new\n" }, "the second");
  browser = await launch();
  signedIn = await signIn(browser, server);
});

afterAll(() => browser?.close());

test("a version is rolled back to, and deleted once it is not active", async () => {
  const { page, problems } = signedIn;
  await page.goto("/skillpacks/minded?tab=versions");
  await page.getByRole("button", { name: "Roll back to version 1" }).click();
  const first = page.getByRole("row", { name: /the first/ });
  await first.getByText("active").waitFor();
  expect((await pack()).active_deployment_id).toBe((await versions())[1]?.id);
  await page.getByRole("button", { name: "Activate version 2" }).waitFor();
  expect(await look(page, "versions")).toEqual([]);

  await deploy({ "mind/main.py": program("three") }, "by mistake", false);
  await page.reload();
  await page.getByRole("button", { name: "Delete version 3" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await page.getByText("Version 3 is deleted").waitFor();
  await expect.poll(() => page.getByRole("row", { name: /by mistake/ }).count()).toBe(0);
  await page.getByRole("button", { name: "Activate version 2" }).click();
  await page
    .getByRole("row", { name: /the second/ })
    .getByText("active")
    .waitFor();
  expect(problems).toEqual([]);
});

test("two versions are compared file by file, and line by line", async () => {
  const { page, problems } = signedIn;
  await page.goto("/skillpacks/minded?tab=files&version=2&base=1");
  const changed = page.getByRole("region", { name: "Changed since version 1" });
  await changed.getByRole("button", { name: /mind\/fresh.txt.*added/ }).waitFor();
  await changed.getByRole("button", { name: /mind\/gone.txt.*removed/ }).waitFor();
  await changed.getByText("1 file is the same").waitFor();
  await changed.getByRole("button", { name: /mind\/main.py.*changed/ }).click();
  const file = page.getByRole("region", { name: "mind/main.py" });
  await file.getByText("lines that are the same").first().waitFor();
  await file.getByText('"one"').waitFor();
  await file.getByText('"two"').waitFor();
  expect(page.url()).toContain("file=mind%2Fmain.py");
  expect(await look(page, "files")).toEqual([]);

  await page.getByLabel("Compared with").selectOption("none");
  await page.getByRole("region", { name: "Files" }).waitFor();
  await page.getByRole("group", { name: "The text of mind/main.py" }).getByText('"two"').waitFor();
  expect(problems).toEqual([]);
});

test("a secret is set, replaced and deleted, and its value is nowhere on the page", async () => {
  const { page, problems } = signedIn;
  await page.goto("/skillpacks/minded?tab=secrets");
  const set = page.getByRole("button", { name: "Set the secret" });
  await page.getByRole("textbox", { name: "Name" }).fill("lower");
  await page.getByRole("textbox", { name: "Value" }).fill("tell-nobody");
  await set.click();
  await page.getByText(/must be 1 to 128/).waitFor();
  await page.getByRole("textbox", { name: "Name" }).fill("API_TOKEN");
  await set.click();
  await page.getByRole("cell", { name: "API_TOKEN", exact: true }).waitFor();
  expect(await page.content()).not.toContain("tell-nobody");
  expect(await page.getByRole("textbox", { name: "Value" }).inputValue()).toBe("");
  expect(await look(page, "secrets")).toEqual([]);
  await page.getByRole("button", { name: "Delete API_TOKEN" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await page.getByText("There are no secrets").waitFor();
  expect(problems).toEqual([]);
});

test("its skills are listed and lead to their pages", async () => {
  const { page } = signedIn;
  await page.goto("/skillpacks/minded");
  await page.getByRole("heading", { name: "Skills of version 2" }).waitFor();
  expect(await look(page, "pack")).toEqual([]);
  await page.getByRole("link", { name: "Mind", exact: true }).click();
  await page.getByRole("heading", { level: 1, name: "Mind" }).waitFor();
});

test("it is renamed, made public, and deleted only by who types its slug", async () => {
  const { page, problems } = signedIn;
  await page.goto("/skillpacks/minded?tab=settings");
  await page.getByLabel("Slug").fill("Not A Slug");
  await page.getByRole("button", { name: "Save" }).click();
  await expect.poll(() => page.getByLabel("Slug").getAttribute("aria-invalid")).toBe("true");
  await page.getByLabel("Slug").fill("kept");
  await page.getByRole("button", { name: "Save" }).click();
  await page.waitForURL(/\/skillpacks\/kept/);
  await page.getByRole("button", { name: "Make it public" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Make it public" }).click();
  await page.getByText("The skillpack is public").waitFor();
  expect(await look(page, "settings")).toEqual([]);

  await page.getByRole("button", { name: "Delete the skillpack" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel(/Type kept/).fill("keep");
  await dialog.getByRole("button", { name: "Delete for good" }).click();
  await dialog.getByText("That is not kept.").waitFor();
  expect(await look(page, "delete")).toEqual([]);
  await dialog.getByLabel(/Type kept/).fill("kept");
  await dialog.getByRole("button", { name: "Delete for good" }).click();
  await page.getByText("Minded is deleted").waitFor();
  await page.getByRole("heading", { level: 1, name: "Skillpacks" }).waitFor();
  expect((await send("GET", "/v1/skillpacks/kept")).status).toBe(404);
  expect(problems).toEqual([]);
});

function program(word: string): string {
  return `${LINES}\ndef run():\n    return {"word": "${word}"}\n`;
}

async function deploy(files: Record<string, string>, notes: string, activate = true) {
  const all = Object.entries({ "mind/skill.yaml": SKILL, ...files });
  const archive = zipSync(Object.fromEntries(all.map(([path, text]) => [path, strToU8(text)])));
  const form = new FormData();
  form.set("notes", notes);
  form.set("activate", String(activate));
  form.set("bundle", new Blob([archive as Uint8Array<ArrayBuffer>]), "bundle.zip");
  const answer = await send("POST", "/v1/skillpacks/minded/deployments", form);
  expect(await answer.text(), "deployed").toContain('"version"');
}

async function pack(): Promise<{ active_deployment_id: string }> {
  return (await (await send("GET", "/v1/skillpacks/minded")).json()) as never;
}

async function versions(): Promise<{ id: string }[]> {
  return (await (await send("GET", "/v1/skillpacks/minded/deployments")).json()) as never;
}

function send(method: string, path: string, body?: FormData | object): Promise<Response> {
  const isForm = body instanceof FormData;
  return fetch(server.url + path, {
    method,
    body: isForm ? body : body ? JSON.stringify(body) : null,
    headers: {
      Authorization: `Bearer ${server.key}`,
      ...(body && !isForm && { "Content-Type": "application/json" }),
    },
  });
}
