/** The client does what every fixture of the contract demands, as the Python clients do. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { POLICY } from "../src/api";
import { Puras, type PurasOptions } from "../src/index";
import { decoder } from "../src/sse";
import {
  type CallCase,
  camelKeys,
  cases,
  checkError,
  checkRequests,
  type DecoderCase,
  type FaultCase,
  FaultyLine,
  FOLDER,
  given,
  JOB_ID,
  readBytes,
  readText,
  scripted,
} from "./fixtures";
import { type Play, type Scripted, ScriptedServer } from "./scripted-server";

// Where nothing stalls, a busy machine must not look like silence.
const SILENCE_MS = 10_000;
const SHORT_SILENCE_MS = 200;
const CALLS = cases<CallCase>("calls");
const FAULTS = cases<FaultCase>("faults");
const DECODED = cases<DecoderCase>("decoder");
const isEverywhere = (one: FaultCase) => one.connections.some(({ cut }) => cut === "every");
const ONCE = FAULTS.filter((one) => !isEverywhere(one));
const EVERYWHERE = FAULTS.filter(isEverywhere);
const PARTS = 6;

let server: ScriptedServer | undefined;

afterEach(async () => {
  vi.unstubAllEnvs();
  await server?.close();
});

async function made(script: Scripted[] | Play, options: PurasOptions): Promise<Puras> {
  server = await ScriptedServer.playing(script);
  const client = new Puras({ apiBase: server.url, ...options });
  Object.assign(POLICY, { backoffMs: 1, longestBackoffMs: 2, silenceMs: SILENCE_MS });
  return client;
}

test.each(CALLS)("$name", async ({ client: options, call, exchanges, returns, raises, yields }) => {
  vi.stubEnv("PURAS_API_KEY", undefined);
  const collected: number[] = [];
  const outcome = await made(
    exchanges.map(({ response }) => scripted(response)),
    camelKeys(options),
  )
    .then((client) => client[call.method as "get"](...(given(call, collected) as [string])))
    .then(
      (returned) => ({ returned }),
      (thrown: unknown) => ({ thrown }),
    );
  if (raises && "thrown" in outcome) checkError(raises, outcome.thrown);
  else expect(outcome).toEqual({ returned: returns });
  await checkRequests(
    exchanges.map(({ request }) => request),
    server?.seen ?? [],
  );
  expect(collected).toEqual(yields ?? []);
});

async function follow(one: FaultCase, cut?: number): Promise<void> {
  const line = new FaultyLine(one, cut);
  const client = await made(line.play, { apiKey: "puras_live_abcdefgh.s3cret" });
  const { transport, after_id: afterId, connections } = one;
  const silenceMs = connections.some(({ end }) => end === "stall") ? SHORT_SILENCE_MS : SILENCE_MS;
  POLICY.silenceMs = silenceMs;
  const got: number[] = [];
  let thrown: unknown;
  try {
    for await (const { id } of client.events(JOB_ID, { transport, afterId, pollIntervalMs: 1 })) {
      got.push(id);
    }
  } catch (error) {
    thrown = error;
  }
  if (one.raises) checkError(one.raises, thrown);
  else expect(thrown).toBeUndefined();
  expect(got, `cut at ${cut}`).toEqual(one.yields);
  expect(line.pages).toEqual([]);
  if (cut === undefined) expect(line.connections).toEqual([]);
}

test.each(ONCE)("$name", (one) => follow(one));

test.each(
  EVERYWHERE.flatMap((one) =>
    Array.from({ length: PARTS }, (_, part) => [one.name, part, one] as const),
  ),
)(
  "%s, part %i",
  async (_, part, one) => {
    const size = readBytes(`streams/${one.stream}.sse`).length;
    expect(size).toBeGreaterThan(1000);
    for (let cut = part; cut <= size; cut += PARTS) {
      await follow(one, cut);
      await server?.close();
    }
  },
  30_000,
);

const STREAMS = readdirSync(join(FOLDER, "streams")).filter((name) => name.endsWith(".sse"));

test.each(STREAMS)("%s decodes to its messages wherever it is cut", (name) => {
  const body = readBytes(`streams/${name}`);
  const wanted = JSON.parse(readText(`streams/${name.replace(".sse", ".json")}`)).messages;
  for (let cut = 0; cut <= body.length; cut++) {
    const decode = decoder();
    const halves = [body.subarray(0, cut), body.subarray(cut)];
    expect(
      halves.flatMap((half) => decode(half)),
      `cut at ${cut}`,
    ).toEqual(wanted);
  }
});

test.each(DECODED)("$name, wherever two cuts are made", ({ stream, messages }) => {
  const body = new TextEncoder().encode(stream);
  const wanted = messages.map(({ event = "message", data, id = "" }) => ({ event, data, id }));
  const text = JSON.stringify(wanted);
  const check = (...parts: Uint8Array[]): void => {
    const decode = decoder();
    const found = parts.flatMap((part) => decode(part));
    // Thousands of times: a text is compared far sooner than `toEqual` looks.
    if (JSON.stringify(found) !== text) {
      expect(found, `cut into ${parts.map(({ length }) => length)}`).toEqual(wanted);
    }
  };
  for (let first = 0; first <= body.length; first++) {
    for (let second = first; second <= body.length; second++) {
      check(body.subarray(0, first), body.subarray(first, second), body.subarray(second));
    }
  }
  check(...[...body].map((byte) => Uint8Array.of(byte)));
});

test("there are fixtures of every kind", () => {
  expect(DECODED.length).toBeGreaterThanOrEqual(50);
  expect(CALLS.length).toBeGreaterThan(50);
  expect(ONCE.length).toBeGreaterThan(15);
  expect(EVERYWHERE).toHaveLength(1);
  expect(STREAMS).toHaveLength(3);
});
