/** One server for the whole run: vitest calls this before the tests, and what it returns after. */
import { mkdirSync, rmSync } from "node:fs";
import type { TestProject } from "vitest/node";
import { type Address, startServer, WORK } from "./harness/server";

declare module "vitest" {
  export interface ProvidedContext {
    server: Address;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  rmSync(WORK, { recursive: true, force: true });
  mkdirSync(WORK);
  const server = await startServer();
  project.provide("server", { url: server.url, key: server.key, link: server.link });
  return () => server.close();
}
