/** What a browser has to load before a page is shown. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build, type Manifest } from "vite";
import { afterAll, beforeAll, expect, test } from "vitest";

const MOST_BYTES = 150_000;
const folder = mkdtempSync(join(tmpdir(), "puras-weight-"));
let manifest: Manifest;

beforeAll(async () => {
  process.env["NODE_ENV"] = "production"; // React brings more for any other.
  await build({ logLevel: "error", build: { outDir: folder, emptyOutDir: true, manifest: true } });
  manifest = JSON.parse(readFileSync(join(folder, ".vite/manifest.json"), "utf8"));
});
afterAll(() => rmSync(folder, { recursive: true }));

test("each page comes first with less than 150 kB of scripts, as they are sent", () => {
  const pages = Object.keys(manifest).filter((name) => /^src\/.*-page\.tsx$/.test(name));
  expect(pages.length).toBeGreaterThan(10);
  for (const page of pages) {
    const scripts = new Set([...withImports("index.html"), ...withImports(page)]);
    const weight = [...scripts].reduce((sum, file) => sum + weightOf(file), 0);
    expect(weight, page).toBeLessThan(MOST_BYTES);
  }
});

/** The scripts that one needs to run: its own, and whatever it imports at once. */
function withImports(name: string, found = new Set<string>()): Set<string> {
  const chunk = manifest[name];
  if (!chunk || found.has(chunk.file)) return found;
  found.add(chunk.file);
  for (const each of chunk.imports ?? []) withImports(each, found);
  return found;
}

function weightOf(file: string): number {
  return gzipSync(readFileSync(join(folder, file)), { level: 9 }).length;
}
