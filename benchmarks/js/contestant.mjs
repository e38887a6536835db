// One side of a comparison, in a process of its own that is told when to run: the counterpart of
// contestant.py. It reads one request a line, `{"count": 100}`, and answers with the milliseconds
// until the first event (if there was one) and until the result of so many calls, one after the
// other.
//
//     node contestant.mjs <side> <argument ...>

import { createInterface } from "node:readline";
import * as sides from "./sides.mjs";

const [side, ...args] = process.argv.slice(2);
const call = await sides[side](...args);

await timed();
say("ready");
for await (const line of createInterface({ input: process.stdin })) {
  const taken = [];
  for (let left = JSON.parse(line).count; left > 0; left--) taken.push(await timed());
  say(taken);
}
process.exit(); // some clients keep a connection, and with it the process

async function timed() {
  const started = performance.now();
  let event = null;
  await call(() => {
    event ??= performance.now() - started;
  });
  return { event, result: performance.now() - started };
}

function say(value) {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
