/** The calls on a skill's page, each pasted where it belongs, with only the key put in. */
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Browser } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launch } from "./harness/browser";
import { PYTHON, WORK } from "./harness/server";
import { ask, KEY, signIn, visit } from "./visitor";

const SAID = "Happy birthday, Ada!";
const LABELS = ["Python", "TypeScript", "React", "curl", "MCP"] as const;
/** Inside of the dashboard's folder, so that what is pasted finds `puras` as an app would. */
const APP = join(WORK, "app");
const run = promisify(execFile);
const env = { PATH: process.env["PATH"] ?? "", PURAS_API_KEY: KEY };

let browser: Browser;
let pasted: Record<(typeof LABELS)[number], string>;

beforeAll(async () => {
  browser = await launch();
  pasted = await copyAll();
});
afterAll(() => browser.close());

test("Python runs where puras is installed", async () => {
  const { stdout } = await run(PYTHON, ["-c", pasted.Python], { env });
  expect(stdout).toContain(SAID);
});

test("curl runs in a shell", async () => {
  const { stdout } = await run("bash", ["-c", pasted.curl], { env });
  expect(JSON.parse(stdout)).toMatchObject({ status: "succeeded", result: { message: SAID } });
});

test("MCP connects a client, which runs the skill as its tool", async () => {
  const settings = pasted.MCP.replace("puras_live_…", KEY);
  const client = join(import.meta.dirname, "harness/mcp_client.py");
  const tool = "hello-world__greeting-card";
  const { stdout } = await run(PYTHON, [client, settings, tool, '{"name": "Ada"}']);
  expect(stdout).toContain(SAID);
});

test("TypeScript and React pass a strict compiler, and run in Node and in a page", async () => {
  const key = await ask<{ key: string }>("/v1/keys", { name: "page", kind: "publishable" });
  write({
    "package.json": '{"type": "module"}',
    "call.ts": pasted.TypeScript,
    "app.tsx": pasted.React.replace("puras_pub_…", key.key),
    "main.tsx": `import { createRoot } from "react-dom/client";
      import { App } from "./app.js";
      createRoot(document.body.appendChild(document.createElement("div"))).render(<App />);`,
    "index.html": '<!doctype html><body><script type="module" src="main.js"></script>',
    "tsconfig.json": JSON.stringify({
      compilerOptions: {
        strict: true,
        target: "es2022",
        module: "nodenext",
        jsx: "react-jsx",
        types: ["node"],
        skipLibCheck: true,
      },
    }),
  });
  await run("npx", ["tsc", "--project", APP]);

  const { stdout } = await run("node", [join(APP, "call.js")], { env });
  expect(stdout).toContain(SAID);

  await build({ root: APP, logLevel: "error", resolve: { dedupe: ["react", "react-dom"] } });
  const site = await serve(join(APP, "dist"));
  const { page, leave } = await visit(browser);
  await page.goto(site.url);
  await page.getByRole("button", { name: "Run" }).click();
  await page.getByText(SAID).waitFor();
  await leave();
  site.close();
});

/** Take what the page shows under each label. */
async function copyAll(): Promise<typeof pasted> {
  const { page, leave } = await visit(browser);
  await signIn(page, "/local/hello-world/greeting-card?tab=call");
  const found: Partial<typeof pasted> = {};
  for (const label of LABELS) {
    await page.getByRole("tab", { name: label, exact: true }).click();
    const shown = page.getByRole("group", { name: `call it with ${label}` });
    found[label] = (await shown.textContent()) ?? "";
  }
  await leave();
  return found as typeof pasted;
}

function write(files: Record<string, string>): void {
  mkdirSync(APP, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(APP, name), text);
}

/** A site of somebody's, on an origin of its own. */
async function serve(folder: string): Promise<{ url: string; close: () => void }> {
  const server = createServer(({ url = "/" }, response) => {
    const isPage = url === "/";
    const isScript = url.startsWith("/assets/");
    response.writeHead(isPage || isScript ? 200 : 404, {
      "Content-Type": isPage ? "text/html" : "text/javascript",
    });
    response.end(isPage || isScript ? readFileSync(join(folder, isPage ? "index.html" : url)) : "");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, close: () => server.close() };
}
