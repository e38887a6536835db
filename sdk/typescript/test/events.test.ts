/**
 * Leaving an iteration: the connection is free at once, whatever is under way, and nobody hears of it.
 *
 * A rejection that nobody handles fails the whole run, so each test also shows that there is none.
 */
import { getEventListeners } from "node:events";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { POLICY } from "../src/api";
import { NotFoundError, Puras, type PurasOptions, StreamLineTooLongError } from "../src/index";
import { type Play, type Scripted, ScriptedServer } from "./scripted-server";

const EVENT_STREAM = { "Content-Type": "text/event-stream" };
const JSON_TYPE = { "Content-Type": "application/json" };
const DEFAULTS = { ...POLICY };
const entry = (id: number, status?: string) => ({
  id,
  type: status ? "status" : "log",
  payload: status ? { status } : {},
});
const block = (id: number, status?: string) =>
  `id: ${id}\nevent: log\ndata: ${JSON.stringify(entry(id, status))}\n\n`;
const streaming = (body: string): Scripted => ({
  status: 200,
  headers: EVENT_STREAM,
  body,
  end: "stall",
});
const answer = (value: unknown): Scripted => ({
  status: 200,
  headers: JSON_TYPE,
  body: JSON.stringify(value),
});
/** Two events, and then nothing more. */
const LIVE = streaming(block(1) + block(2));

let server: ScriptedServer;

beforeEach(() => Object.assign(POLICY, { backoffMs: 1, longestBackoffMs: 2 }));

afterEach(async () => {
  Object.assign(POLICY, DEFAULTS);
  await server.close();
});

async function client(script: Scripted[] | Play, options: PurasOptions = {}): Promise<Puras> {
  server = await ScriptedServer.playing(script);
  return new Puras({ apiBase: server.url, apiKey: "puras_pub_x", ...options });
}

/** Wait until nothing is held; within seconds, where the client would go on for 45. */
async function allFree(): Promise<void> {
  await vi.waitFor(() => expect(server.held).toBe(0), { timeout: 3000, interval: 5 });
}

async function all(events: AsyncIterable<{ id: number }>): Promise<number[]> {
  const ids: number[] = [];
  for await (const { id } of events) ids.push(id);
  return ids;
}

test("break frees the connection", async () => {
  const puras = await client([LIVE]);
  for await (const { id } of puras.events("1")) {
    expect(server.held).toBe(1);
    if (id === 2) break;
  }
  await allFree();
});

test("an error in the loop frees the connection and is the caller's to catch", async () => {
  const puras = await client([LIVE]);
  const loop = async () => {
    for await (const { id } of puras.events("1")) throw new RangeError(`${id}`);
  };
  await expect(loop()).rejects.toThrow(RangeError);
  await allFree();
});

test("return() while a read is pending frees the connection and ends that read", async () => {
  const puras = await client([LIVE]);
  const events = puras.events("1");
  await events.next();
  await events.next();
  const pending = events.next();
  expect(await events.return()).toEqual({ done: true, value: undefined });
  expect(await pending).toEqual({ done: true, value: undefined });
  await allFree();
});

test("return() while the stream is being opened frees the connection", async () => {
  let asked: () => void = () => undefined;
  const opening = new Promise<void>((resolve) => {
    asked = resolve;
  });
  const puras = await client(() => {
    asked();
    return { status: null, end: "stall" };
  });
  const events = puras.events("1");
  const pending = events.next();
  await opening;
  await events.return();
  expect(await pending).toEqual({ done: true, value: undefined });
  await allFree();
});

test("return() before the first next() asks nothing, and what is left stays so", async () => {
  const puras = await client([]);
  const events = puras.events("1");
  expect(await events.return()).toEqual({ done: true, value: undefined });
  expect(await events.next()).toEqual({ done: true, value: undefined });
  expect(server.seen).toEqual([]);
});

test("return() in the same breath as the first next() lets nothing begin", async () => {
  const puras = await client([LIVE]);
  const events = puras.events("1");
  const first = events.next();
  expect(await events.return()).toEqual({ done: true, value: undefined });
  expect(await first).toEqual({ done: true, value: undefined });
  await allFree();
});

test("throw() frees the connection and rejects with what was thrown", async () => {
  const puras = await client([LIVE]);
  const events = puras.events("1");
  await events.next();
  await expect(events.throw(new RangeError("mine"))).rejects.toThrow("mine");
  expect(await events.next()).toEqual({ done: true, value: undefined });
  await allFree();
});

test("throw() before the first next() asks nothing", async () => {
  const puras = await client([]);
  await expect(puras.events("1").throw(new RangeError("mine"))).rejects.toThrow("mine");
  expect(server.seen).toEqual([]);
});

test("an aborted signal ends a pending read quietly and frees the connection", async () => {
  const puras = await client([LIVE]);
  const controller = new AbortController();
  const events = puras.events("1", { signal: controller.signal });
  await events.next();
  await events.next();
  const pending = events.next();
  controller.abort(new RangeError("enough"));
  expect(await pending).toEqual({ done: true, value: undefined });
  await allFree();
});

test("a signal that was aborted before ends the iteration before any request", async () => {
  const puras = await client([]);
  expect(await all(puras.events("1", { signal: AbortSignal.abort() }))).toEqual([]);
  expect(server.seen).toEqual([]);
});

test("a signal that is aborted between two polls ends the sleep", async () => {
  const puras = await client([answer([entry(1)])]);
  const controller = new AbortController();
  const options = { transport: "poll", pollIntervalMs: 60_000, signal: controller.signal } as const;
  const events = puras.events("1", options);
  expect((await events.next()).value?.id).toBe(1);
  const pending = events.next();
  setImmediate(() => controller.abort());
  expect(await pending).toEqual({ done: true, value: undefined });
});

test("a signal outlives the iteration without a listener of ours", async () => {
  const puras = await client([streaming(block(1, "succeeded")), LIVE]);
  const { signal } = new AbortController();
  expect(await all(puras.events("1", { signal }))).toEqual([1]);
  for await (const _ of puras.events("1", { signal })) break;
  expect(getEventListeners(signal, "abort")).toEqual([]);
});

test("no timer is left when the iteration is over", async () => {
  const puras = await client([streaming(block(1, "succeeded"))]);
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
  const before = timers();
  expect(await all(puras.events("1"))).toEqual([1]);
  await allFree();
  expect(timers()).toBeLessThanOrEqual(before);
});

test("two iterations of one job do not disturb each other", async () => {
  const puras = await client(() => streaming(block(1) + block(2, "failed")));
  const first = puras.events("1");
  await first.next();
  expect(await all(puras.events("1"))).toEqual([1, 2]);
  expect((await first.next()).value?.id).toBe(2);
  expect((await first.next()).done).toBe(true);
});

test("calls of next() that do not wait for each other get the events in order", async () => {
  const puras = await client([streaming(block(1) + block(2) + block(3, "succeeded"))]);
  const events = puras.events("1");
  const got = await Promise.all([1, 2, 3, 4].map(() => events.next()));
  expect(got.map(({ done, value }) => (done ? undefined : value?.id))).toEqual([
    1,
    2,
    3,
    undefined,
  ]);
});

test("what comes after the terminal event is not yielded", async () => {
  const puras = await client([streaming(block(1, "cancelled") + block(2))]);
  expect(await all(puras.events("1"))).toEqual([1]);
  await allFree();
});

test("a line over 4 MiB is an error, also where polling would be possible", async () => {
  const body = `data: ${"x".repeat(4 * 1024 * 1024)}`;
  const puras = await client([streaming(body)]);
  await expect(all(puras.events("1"))).rejects.toThrow(StreamLineTooLongError);
  await allFree();
});

test("something that is no JSON counts as a drop, something that is no event is passed over", async () => {
  const puras = await client([
    streaming(`${block(1)}data: {"id\n\n`),
    streaming(`data: null\n\ndata: [3]\n\ndata: {"id":"x"}\n\n${block(2, "succeeded")}`),
  ]);
  expect(await all(puras.events("1"))).toEqual([1, 2]);
  expect(server.seen.map(({ query }) => query)).toEqual([{}, { after: "1" }]);
});

test("a transport that does not exist is refused before any request", async () => {
  const puras = await client([]);
  const transport = "websocket" as "sse";
  await expect(puras.events("1", { transport }).next()).rejects.toThrow('no transport "websocket"');
  expect(server.seen).toEqual([]);
});

test("an empty job id is refused before any request", async () => {
  const puras = await client([]);
  await expect(puras.events("").next()).rejects.toThrow("job id is empty");
  expect(server.seen).toEqual([]);
});

test("a job that is not there is an error at the first next()", async () => {
  const gone = { status: 404, headers: JSON_TYPE, body: '{"detail":"no such job"}' };
  const puras = await client([gone]);
  await expect(puras.events("1").next()).rejects.toThrow(NotFoundError);
});

test("a listener that throws ends a run, frees its stream and rejects with its error", async () => {
  const puras = await client([answer({ id: "1", status: "queued" }), LIVE]);
  const onEvent = () => {
    throw new RangeError("listener");
  };
  await expect(puras.run("a/b", {}, { onEvent })).rejects.toThrow("listener");
  await allFree();
});

/** A fetch whose answers have no body to read as it comes, as React Native's. */
const whole: typeof fetch = async (...request) => {
  const response = await fetch(...request);
  const text = await response.text();
  const { ok, status, headers } = response;
  return { ok, status, headers, text: async () => text } as unknown as Response;
};

/** A fetch as old packages for Node have it: its bodies are streams of another kind. */
const old: typeof fetch = async (...request) => {
  const response = await whole(...request);
  return Object.assign(response, { body: { pipe() {}, on() {} } });
};

test.each([
  ["without bodies", whole],
  ["whose bodies are no web streams", old],
])("a fetch %s is known by a short answer, and polls", async (_, fetch) => {
  const puras = await client(
    [answer({ ok: true }), answer([entry(1)]), answer([entry(2, "succeeded")])],
    { fetch },
  );
  expect(await all(puras.events("1", { pollIntervalMs: 1 }))).toEqual([1, 2]);
  expect(server.seen.map(({ path }) => path)).toEqual([
    "/health",
    "/v1/jobs/1/events",
    "/v1/jobs/1/events",
  ]);
});

test("a server without /health is no reason not to poll", async () => {
  const puras = await client([{ status: 404 }, answer([entry(1, "succeeded")])], { fetch: whole });
  expect(await all(puras.events("1"))).toEqual([1]);
});

test("a fetch that gives bodies streams", async () => {
  const own: typeof fetch = (...request) => fetch(...request);
  const puras = await client([answer({ ok: true }), streaming(block(1, "succeeded"))], {
    fetch: own,
  });
  expect(await all(puras.events("1"))).toEqual([1]);
});
