/** Where faults are, and where a bundle belongs. */
import { expect, test } from "vitest";
import type { Skillpack } from "wire";
import { byFile, excerpt, lineOf, placeOf } from "../../../src/deploy/places";
import { targetOf } from "../../../src/deploy/target";

test("faults stand with their file, those of the whole without one", () => {
  const faults = [
    { file: "a/skill.yaml", path: "$.inputs", message: "one" },
    { file: ".", path: "$", message: "two" },
    { file: "a/skill.yaml", path: "line 3", message: "three" },
  ];
  expect(byFile(faults).map(({ file, faults }) => [file, faults.length])).toEqual([
    ["a/skill.yaml", 2],
    ["", 1],
  ]);
  expect(faults.map(placeOf)).toEqual(["inputs", undefined, "line 3"]);
  expect(faults.map(lineOf)).toEqual([undefined, undefined, 3]);
});

test("an excerpt has the line and those beside it", () => {
  expect(excerpt("a\r\nb\nc\nd", 3).map(({ number, text }) => `${number} ${text}`)).toEqual([
    "2 b",
    "3 c",
    "4 d",
  ]);
  expect(excerpt("a\nb", 1)).toHaveLength(2);
  expect(excerpt("a", 9)).toEqual([]);
});

test("a bundle goes where it was asked to, else where its settings say, else by its name", () => {
  const packs = [pack("1", "first"), pack("2", "second")];
  const bundle = { name: "second", settings: { skillpackId: "1", slug: "second" } };
  expect(targetOf(bundle, packs, "second").slug).toBe("second");
  expect(targetOf(bundle, packs, undefined).slug).toBe("first");
  expect(targetOf({ ...bundle, settings: {} }, packs, undefined).slug).toBe("second");
  expect(targetOf({ name: "My Pack", settings: {} }, packs, undefined)).toEqual({
    slug: "my-pack",
    name: "My Pack",
    exists: false,
  });
});

function pack(id: string, slug: string): Skillpack {
  return {
    id,
    slug,
    name: slug,
    description: null,
    active_deployment_id: null,
    public: false,
    created_at: "2026-01-01T00:00:00Z",
  };
}
