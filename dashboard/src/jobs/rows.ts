/** The tree as it is shown: line by line, and summed up. Pure. */
import type { Entry } from "./tree";

/** A line of what is shown: an entry, how deep it is, whether it can be unfolded. */
export interface Row {
  readonly entry: Entry;
  readonly depth: number;
  readonly isFoldable: boolean;
  readonly isFolded: boolean;
}

/** The tree as lines, without what is inside of folded entries. */
export function rowsOf(entries: readonly Entry[], folded: ReadonlySet<number>): Row[] {
  const rows: Row[] = [];
  const add = (some: readonly Entry[], depth: number): void => {
    for (const each of some) {
      const isFoldable = each.children.length > 0;
      const isFolded = isFoldable && folded.has(each.id);
      rows.push({ entry: each, depth, isFoldable, isFolded });
      if (!isFolded) add(each.children, depth + 1);
    }
  };
  add(entries, 0);
  return rows;
}

/** What the run has used so far, as its events tell. */
export interface Used {
  readonly costMicros: number;
  readonly tokens: number;
}

/** A call costs what it says, or what happened inside of it where that is more. */
export function usedBy(entries: readonly Entry[]): Used {
  let [costMicros, tokens] = [0, 0];
  for (const each of entries) {
    const inside = usedBy(each.children);
    costMicros += Math.max(each.costMicros ?? 0, inside.costMicros);
    tokens += (each.tokens ?? 0) + inside.tokens;
  }
  return { costMicros, tokens };
}
