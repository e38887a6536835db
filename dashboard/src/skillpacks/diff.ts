/** Two texts as blocks of lines: the same in both, changed, or left out for being far from changes. */
import { structuredPatch } from "diff";

export interface Line {
  /** Counted from 1 in its own text. */
  readonly number: number;
  readonly text: string;
}

export type Block =
  | { readonly kind: "same"; readonly before: readonly Line[]; readonly after: readonly Line[] }
  | { readonly kind: "changed"; readonly before: readonly Line[]; readonly after: readonly Line[] }
  | { readonly kind: "hidden"; readonly lines: number };

const CONTEXT_LINES = 3;
const MOST_MS = 2_000;

/** Compare; undefined where the two have so little in common that it would take too long. */
export function blocksOf(before: string, after: string): readonly Block[] | undefined {
  const patch = structuredPatch("", "", before, after, undefined, undefined, {
    context: CONTEXT_LINES,
    timeout: MOST_MS,
  });
  if (!patch) return undefined;
  const blocks: Block[] = [];
  let next = 1;
  for (const hunk of patch.hunks) {
    const { oldStart, newStart } = hunk;
    hide(blocks, newStart - next);
    blocks.push(...grouped(hunk.lines, oldStart, newStart));
    next = newStart + hunk.newLines;
  }
  hide(blocks, linesIn(after) - next + 1);
  return blocks;
}

export function linesIn(text: string): number {
  if (text === "") return 0;
  return text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
}

function hide(blocks: Block[], lines: number): void {
  if (lines > 0) blocks.push({ kind: "hidden", lines });
}

function grouped(lines: readonly string[], oldStart: number, newStart: number): Block[] {
  const blocks: { kind: "same" | "changed"; before: Line[]; after: Line[] }[] = [];
  let [old, fresh] = [oldStart, newStart];
  for (const line of lines) {
    const [sign, text] = [line[0], line.slice(1)];
    if (sign === "\\") continue; // Says that the last line has no end.
    const kind = sign === " " ? "same" : "changed";
    let block = blocks.at(-1);
    if (block?.kind !== kind) {
      block = { kind, before: [], after: [] };
      blocks.push(block);
    }
    if (sign !== "+") block.before.push({ number: old++, text });
    if (sign !== "-") block.after.push({ number: fresh++, text });
  }
  return blocks;
}
