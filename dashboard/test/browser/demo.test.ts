/** `puras demo` on a terminal: what it leaves a person with. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launch } from "./harness/browser";
import { PURAS } from "./harness/server";
import { visit } from "./visitor";

const CTRL_C = "\x03";

let browser: Browser;
let home: string;

beforeAll(async () => {
  browser = await launch();
  home = mkdtempSync(join(tmpdir(), "puras-demo-test-"));
});
afterAll(async () => {
  await browser.close();
  rmSync(home, { recursive: true });
});

test("the demo ends with a link to its finished run, and with Ctrl-C nothing is left", async () => {
  // `script` gives it a terminal, whose keys are its own input.
  const env = { PATH: process.env["PATH"] ?? "", HOME: home, TMPDIR: home };
  const demo = spawn("script", ["-qefc", `exec ${PURAS} demo`, "/dev/null"], { env });
  const { page, leave } = await visit(browser);
  try {
    const [link = "", job] = await said(demo, /http\S+\/login\?next=\/jobs\/(\S+?)#\S+/);
    await page.goto(link);
    await page.waitForURL(`${new URL(link).origin}/jobs/${job}`);
    await page.getByRole("heading", { level: 1, name: /ugc.ad/i }).waitFor();
    await page.getByLabel("video", { exact: true }).waitFor();
    await page.goto("about:blank");
    demo.stdin.write(CTRL_C);
    const [code] = await once(demo, "exit");
    expect(code).toBe(0);
    expect(readdirSync(home)).toEqual([]);
  } finally {
    demo.kill();
    await leave();
  }
});

/** Wait until something is written. What comes after it is read too, and dropped. */
function said(process: ChildProcess, pattern: RegExp): Promise<RegExpExecArray> {
  let text = "";
  return new Promise((resolve, reject) => {
    process.stdout?.on("data", (chunk) => {
      text += chunk;
      const found = pattern.exec(text);
      if (found) resolve(found);
    });
    process.on("exit", () => reject(new Error(`it ended without ${pattern}:\n${text}`)));
  });
}
