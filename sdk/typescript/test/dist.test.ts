/** What is published runs where we say: its syntax is old enough, and both kinds of module load. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parse } from "acorn";
import { build } from "tsdown";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as source from "../src/index";

const ROOT = join(__dirname, "..");
const dist = mkdtempSync(join(tmpdir(), "puras-dist-"));
const read = (path: string) => readFileSync(resolve(ROOT, path), "utf-8");
const chunks = () => readdirSync(dist).filter((name) => /\.c?js$/.test(name));

// As `npm run build` does, but for the types.
beforeAll(() => build({ cwd: ROOT, outDir: dist, dts: false, logLevel: "warn" }), 60_000);
afterAll(() => rmSync(dist, { recursive: true }));

test("every chunk is ES2020, which Node 18, Hermes and old bundlers read", () => {
  expect(chunks().length).toBeGreaterThan(4);
  for (const name of chunks()) {
    const sourceType = name.endsWith(".cjs") ? "script" : "module";
    parse(read(join(dist, name)), { ecmaVersion: 2020, sourceType });
  }
});

test("import and require give the same names", () => {
  const names = Object.keys(source).sort().join();
  const list = "console.log(Object.keys(puras).sort().join())";
  const run = (...code: string[]) =>
    execFileSync(process.execPath, code, { cwd: dist, encoding: "utf-8" }).trim();
  expect(run("-e", `const puras = require("./index.cjs"); ${list}`)).toBe(names);
  const imported = `import * as puras from "${join(dist, "index.js")}"; ${list}`;
  expect(run("--input-type=module", "-e", imported)).toBe(names);
});

test("every chunk leads back to its source", () => {
  for (const name of chunks()) {
    expect(read(join(dist, name))).toContain(`//# sourceMappingURL=${name}.map`);
    const { sources, sourcesContent } = JSON.parse(read(join(dist, `${name}.map`)));
    expect(sourcesContent).toHaveLength(sources.length);
  }
});

test("loading the client does nothing", () => {
  const code = 'require("./index.cjs"); console.log(process.getActiveResourcesInfo().join())';
  const env = { ...process.env, PURAS_API_KEY: "" };
  const told = execFileSync(process.execPath, ["-e", code], { cwd: dist, env, encoding: "utf-8" });
  expect(told).not.toMatch(/Timeout|TCP|FSReq/);
});

test("the package has the version of the project", () => {
  const { version } = JSON.parse(read("package.json"));
  expect(read("../../pyproject.toml")).toMatch(new RegExp(`^version = "${version}"$`, "m"));
  expect(JSON.parse(read("package-lock.json")).version).toBe(version);
});

test("nothing else is installed with it", () => {
  expect(JSON.parse(read("package.json")).dependencies).toBeUndefined();
});
