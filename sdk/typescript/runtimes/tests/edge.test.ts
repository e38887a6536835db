/** An edge function, in the runtime of Cloudflare's workers. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FaultProxy } from "../faults/proxy";
import { API, SECRET_KEY } from "../harness/api";
import { bundle, workFolder } from "../harness/bundles";
import { SEEN } from "./tour";

const ROOT = join(import.meta.dirname, "..");
const WORKERD = join(ROOT, "node_modules/@cloudflare/workerd-linux-64/bin/workerd");
const CONTROL = 3;

let workerd: ChildProcess;
let proxy: FaultProxy;
let url: string;

beforeAll(async () => {
  const folder = workFolder("edge");
  await bundle(join(ROOT, "programs/worker.mjs"), join(folder, "worker.mjs"));
  copyFileSync(join(ROOT, "programs/worker.capnp"), join(folder, "worker.capnp"));
  proxy = await FaultProxy.start(API);
  workerd = spawn(WORKERD, ["serve", "worker.capnp", `--control-fd=${CONTROL}`], {
    cwd: folder,
    stdio: ["ignore", "inherit", "inherit", "pipe"],
  });
  url = `http://127.0.0.1:${await port(workerd)}`;
});
afterAll(async () => {
  workerd.kill();
  await once(workerd, "exit");
  await proxy.close();
});

test("an edge function sees all of it, over a stream", async () => {
  const settings = { apiKey: SECRET_KEY, apiBase: proxy.url };
  const response = await fetch(url, { method: "POST", body: JSON.stringify(settings) });
  expect(await response.json()).toEqual(SEEN);
  expect(proxy.count("/stream")).toBeGreaterThan(0);
});

/** The port that workerd tells when it listens. */
async function port({ stdio }: ChildProcess): Promise<number> {
  const [line] = (await once(createInterface(stdio[CONTROL] as Readable), "line")) as [string];
  return (JSON.parse(line) as { port: number }).port;
}
