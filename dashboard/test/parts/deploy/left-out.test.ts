/** What stays out of a bundle: the rules of `puras deploy`, and the same list. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  ALWAYS_LEFT_OUT,
  IGNORE_FILE,
  outermostLeftOut,
  parseIgnore,
} from "../../../src/deploy/bundle/left-out";
import {
  MAX_BUNDLE_BYTES,
  MAX_BUNDLE_FILES,
  MAX_UNPACKED_BYTES,
} from "../../../src/deploy/bundle/limits";

const PYTHON = join(import.meta.dirname, "../../../../src/puras");

test("the list of what is always left out is the one of the CLI", () => {
  const source = readFileSync(join(PYTHON, "bundle/ignore.py"), "utf8");
  const list = /ALWAYS_LEFT_OUT: Final = \(([^)]*)\)/.exec(source)?.[1] ?? "";
  const names = [...list.matchAll(/"([^"]+)"/g)].map((found) => found[1]);
  expect(ALWAYS_LEFT_OUT).toEqual([...names, IGNORE_FILE]);
});

test("the limits are those of the server", () => {
  const source = readFileSync(join(PYTHON, "wire.py"), "utf8");
  const product = (name: string) =>
    (new RegExp(`^${name} = (.*)$`, "m").exec(source)?.[1] ?? "")
      .split("*")
      .reduce((product, factor) => product * Number(factor.replaceAll("_", "")), 1);
  expect(MAX_BUNDLE_BYTES).toBe(product("MAX_BUNDLE_BYTES"));
  expect(MAX_UNPACKED_BYTES).toBe(product("MAX_UNPACKED_BYTES"));
  expect(MAX_BUNDLE_FILES).toBe(product("MAX_BUNDLE_FILES"));
});

describe("what a line leaves out", () => {
  const cases: [lines: string, path: string, out: string | undefined][] = [
    ["", "skill/skill.yaml", undefined],
    ["", "skill/node_modules/a/b.js", "skill/node_modules/"],
    ["", ".env.local", ".env.local"],
    ["", "skill/deep/trace.log", "skill/deep/trace.log"],
    ["!dist", "dist/a.js", undefined],
    ["!.env.example", ".env.example", undefined],
    ["/drafts", "drafts/a.txt", "drafts/"],
    ["/drafts", "skill/drafts/a.txt", undefined],
    ["# drafts\n\n", "drafts", undefined],
    ["data/*.csv", "data/a.csv", "data/a.csv"],
    ["data/*.csv", "data/deep/a.csv", undefined],
    ["data/**/a.csv", "data/very/deep/a.csv", "data/very/deep/a.csv"],
    ["data/**/**/a.csv", "data/a.csv", "data/a.csv"],
    ["data/**", "data/a", "data/a"],
    ["temp/", "temp", undefined],
    ["temp/", "temp/a", "temp/"],
    ["a?c", "abc", "abc"],
    ["a.c", "abc", undefined],
    ["\\!important", "!important", "!important"],
    ["*.txt\n!keep.txt", "keep.txt", undefined],
    ["drafts\n!drafts/keep.txt", "drafts/keep.txt", "drafts/"],
  ];
  test.each(cases)("%j and %s", (lines, path, out) => {
    expect(outermostLeftOut(path, parseIgnore(lines))).toBe(out);
  });
});
