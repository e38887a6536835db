/**
 * What happens to each stream, one after the other: `count` faults, then none.
 *
 * The rule: among four faults in a row at least one lets something new through, so a client that
 * gives up after five fruitless streams never has a reason to.
 */
import { type Random, randomOf } from "./random";

/**
 * - `refuse`: the connection is reset before there is an answer
 * - `page`, `unavailable`: an HTML page instead of a stream, as 200 and as 502
 * - `end`: the answer ends as if it were complete
 * - `cut`: the connection is closed in the middle
 * - `reset`: the connection is reset in the middle; what was under way is lost
 * - `garbage`: an HTML page in the middle of whatever was being said
 * - `repeat`: events that were sent before are sent again, then the connection is closed
 * - `stall`: nothing more is said, and the connection stays
 */
export type FaultKind =
  | "refuse"
  | "page"
  | "unavailable"
  | "end"
  | "cut"
  | "reset"
  | "garbage"
  | "repeat"
  | "stall";

export interface Fault {
  readonly kind: FaultKind;
  /** How much of the answer's body passes before. */
  readonly afterBytes: number;
}

/** Gives the fault of the next stream; none: it is left alone. */
export type Plan = () => Fault | undefined;

/** The kinds that come by chance, some more often than others. */
const KINDS: readonly FaultKind[] = [
  ...["cut", "cut", "cut", "end", "end", "reset", "garbage", "garbage", "repeat", "repeat"],
  ...["refuse", "page", "unavailable"],
] as FaultKind[];

const MOST_BYTES = 2000;
/** What surely holds a new event. */
const FRUITFUL_BYTES = 1200;
const MOST_FRUITLESS = 3;

export const noFaults: Plan = () => undefined;

/** The same fault for the next `count` streams. */
export function each(fault: Fault, count = Infinity): Plan {
  let left = count;
  return () => (left-- > 0 ? fault : undefined);
}

/** Faults by chance: the same ones for the same seed. */
export function byChance({ seed, count }: { seed: number; count: number }): Plan {
  const random = randomOf(seed);
  let left = count;
  let fruitless = 0;
  return () => {
    if (left-- <= 0) return undefined;
    const fault = fruitless < MOST_FRUITLESS ? anyFault(random) : fruitfulFault(random);
    fruitless = isFruitful(fault) ? 0 : fruitless + 1;
    return fault;
  };
}

function anyFault(random: Random): Fault {
  return { kind: KINDS[random(KINDS.length)] ?? "cut", afterBytes: random(MOST_BYTES) };
}

function fruitfulFault(random: Random): Fault {
  return { kind: "end", afterBytes: FRUITFUL_BYTES + random(MOST_BYTES - FRUITFUL_BYTES) };
}

/** Only an answer that ends as a whole is surely read: a browser drops what it has when a line breaks. */
function isFruitful({ kind, afterBytes }: Fault): boolean {
  return (kind === "end" || kind === "garbage") && afterBytes >= FRUITFUL_BYTES;
}
