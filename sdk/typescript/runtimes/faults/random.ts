/** Random numbers that come again with the same seed. */

/** A whole number from 0 up to, and without, `limit`. */
export type Random = (limit: number) => number;

/** The seed of this run: `FAULT_SEED` where it is set, to see a failure again. */
export function runSeed(): number {
  return Number(process.env["FAULT_SEED"] ?? Date.now() % 1_000_000);
}

/** Mulberry32, a generator of 32 bits by Tommy Ettinger, in the public domain. */
export function randomOf(seed: number): Random {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}
