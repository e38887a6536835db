/** A real `puras serve` on a free port, with the examples and with skills that are made for tests. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";

export const ROOT = join(import.meta.dirname, "../../../..");
export const PURAS = process.env["PURAS"] ?? join(ROOT, ".venv/bin/puras");
/** The interpreter that has puras. */
export const PYTHON = join(dirname(PURAS), "python");
/** What is made on the way; git ignores it. */
export const WORK = join(ROOT, "dashboard/.work");

/** Slugs of skillpacks, and the folders that are deployed as them. */
export type Bundles = Readonly<Record<string, string>>;
export const EXAMPLES: Bundles = {
  "hello-world": "examples/hello-world",
  "image-tools": "examples/image-tools",
  triage: "examples/triage",
  "ugc-ads": "examples/ugc-ads",
};
const FOR_TESTS: Bundles = {
  runtimes: "sdk/typescript/runtimes/skills",
  parts: "dashboard/test/browser/skills",
  ...EXAMPLES,
};

/** What a test has to know of the server. */
export interface Address {
  readonly url: string;
  /** A secret key that may do everything. */
  readonly key: string;
  /** Signs in, once. */
  readonly link: string;
}

export interface Server extends Address {
  close(): Promise<void>;
}

/** Start it, with what it says about itself in `.work/serve.log`. Running skills costs money here. */
export async function startServer(bundles: Bundles = FOR_TESTS): Promise<Server> {
  const home = mkdtempSync(join(tmpdir(), "puras-dashboard-"));
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: home,
    PURAS_COMPUTE_USD_PER_SECOND: "0.01",
  };
  const serving = spawn(PURAS, ["serve", "--port", "0", "--data", home, "--output", "json"], {
    env,
    stdio: ["ignore", "pipe", openSync(join(WORK, "serve.log"), "w")],
  });
  const address = await firstLine(serving);
  for (const [skillpack, bundle] of Object.entries(bundles)) {
    // A copy: deploying writes the skillpack's id beside the skills.
    const copy = join(home, "bundles", skillpack);
    cpSync(join(ROOT, bundle), copy, { recursive: true });
    execFileSync(PURAS, ["deploy", copy, "--skillpack", skillpack], { env, stdio: "pipe" });
  }
  return { ...address, close: () => close(serving, home) };
}

async function firstLine(serving: ChildProcess): Promise<Address> {
  if (!serving.stdout) throw new Error("the server's output is not piped");
  const lines = createInterface(serving.stdout);
  const [line] = (await Promise.race([
    once(lines, "line"),
    once(serving, "exit").then(() => Promise.reject(new Error("no server: see .work/serve.log"))),
  ])) as [string];
  return JSON.parse(line) as Address;
}

async function close(serving: ChildProcess, home: string): Promise<void> {
  serving.kill();
  await once(serving, "exit");
  rmSync(home, { recursive: true });
}
