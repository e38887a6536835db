/** Texts beside each other: every line has its number, and what is far from changes is hidden. */
import { describe, expect, test } from "vitest";
import { type Block, blocksOf } from "../../../src/skillpacks/diff";

const numbered = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, at) => `line ${from + at}\n`).join("");

describe("a change in the middle", () => {
  const before = numbered(1, 20);
  const after = before.replace("line 10\n", "line ten\nand a half\n");
  const blocks = blocksOf(before, after) ?? [];

  test("has three lines around it, and hides the rest", () => {
    expect(blocks.map(shape)).toEqual([
      "hidden 6",
      "same 3/3",
      "changed 1/2",
      "same 3/3",
      "hidden 7",
    ]);
  });

  test("counts the lines of each text on its own", () => {
    expect(numbers(blocks[2])).toEqual([[10], [10, 11]]);
    expect(numbers(blocks[3])).toEqual([
      [11, 12, 13],
      [12, 13, 14],
    ]);
  });
});

test("lines that were added at the front or removed at the end stand alone", () => {
  const blocks = blocksOf("b\nc\nd\n", "a\nb\nc\n") ?? [];
  expect(blocks.map(shape)).toEqual(["changed 0/1", "same 2/2", "changed 1/0"]);
  expect(numbers(blocks[2])).toEqual([[3], []]);
});

test("a text that was empty, or becomes so, is all change", () => {
  expect(blocksOf("", "a\nb\n")?.map(shape)).toEqual(["changed 0/2"]);
  expect(numbers(blocksOf("", "a\nb\n")?.[0])).toEqual([[], [1, 2]]);
  expect(blocksOf("a\n", "")?.map(shape)).toEqual(["changed 1/0"]);
});

test("an end of line that is missing is no line", () => {
  expect(blocksOf("a\nb", "a\nb\n")?.flatMap(linesOf)).not.toContain(" No newline at end of file");
});

test("two changes that are far apart hide what lies between", () => {
  const before = numbered(1, 40);
  const after = before.replace("line 5\n", "").replace("line 30\n", "line thirty\n");
  const blocks = blocksOf(before, after) ?? [];
  expect(blocks.map(shape)).toEqual([
    "hidden 1",
    "same 3/3",
    "changed 1/0",
    "same 3/3",
    "hidden 18",
    "same 3/3",
    "changed 1/1",
    "same 3/3",
    "hidden 7",
  ]);
});

function shape(block: Block): string {
  if (block.kind === "hidden") return `hidden ${block.lines}`;
  return `${block.kind} ${block.before.length}/${block.after.length}`;
}

function numbers(block: Block | undefined): number[][] {
  if (!block || block.kind === "hidden") return [];
  return [block.before, block.after].map((lines) => lines.map(({ number }) => number));
}

function linesOf(block: Block): string[] {
  if (block.kind === "hidden") return [];
  return [...block.before, ...block.after].map(({ text }) => text);
}
