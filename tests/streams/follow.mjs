// Follow a job through many broken lines with the JavaScript SDK, and tell of each run that did not
// see exactly its log. It reads JSON from its standard input: `sdk`, `key`, `job`, `log`, `bases`, `atOnce`.
import { text } from "node:stream/consumers";
import { isDeepStrictEqual } from "node:util";

const { sdk, key, job, log, bases, atOnce } = JSON.parse(await text(process.stdin));
const { Puras } = await import(sdk);

async function followed(apiBase) {
  const seen = [];
  try {
    for await (const event of new Puras({ apiKey: key, apiBase }).events(job)) seen.push(event);
  } catch (error) {
    return `${error.name}: ${error.message}, after ${seen.length} events`;
  }
  return isDeepStrictEqual(seen, log) ? undefined : `saw ${seen.map(({ id }) => id)}`;
}

const wrong = {};
const left = bases[Symbol.iterator]();

async function worker() {
  for (const base of left) {
    const fault = await followed(base);
    if (fault) wrong[base] = fault;
  }
}

await Promise.all(Array.from({ length: atOnce }, worker));
console.log(JSON.stringify(wrong));
