/** Calls that are given up, fail, or are answered by something that is not the API. */
import { once } from "node:events";
import { createServer } from "node:net";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { POLICY } from "../src/api";
import {
  JobError,
  type JobEvent,
  NotFoundError,
  Puras,
  type PurasAPIError,
  PurasConnectionError,
  type PurasOptions,
  PurasTimeoutError,
  RateLimitError,
  ServerError,
} from "../src/index";
import { type Play, type Scripted, ScriptedServer } from "./scripted-server";

const DEFAULTS = { ...POLICY };
const JSON_TYPE = { "Content-Type": "application/json" };
const JOB = { id: "1", status: "running" };
const HANG: Scripted = { status: null, end: "stall" };

const answer = (value: unknown, status = 200, headers = {}): Scripted => ({
  status,
  headers: { ...JSON_TYPE, ...headers },
  body: JSON.stringify(value),
});
const refusal = (status: number, code: string, headers = {}): Scripted =>
  answer({ detail: "no", code }, status, headers);

let server: ScriptedServer;

beforeEach(() => Object.assign(POLICY, { backoffMs: 1, longestBackoffMs: 2 }));

afterEach(async () => {
  Object.assign(POLICY, DEFAULTS);
  vi.restoreAllMocks();
  await server.close();
});

async function client(script: Scripted[] | Play, options: PurasOptions = {}): Promise<Puras> {
  server = await ScriptedServer.playing(script);
  return new Puras({ apiBase: server.url, apiKey: "puras_pub_x", ...options });
}

const asked = () => server.seen.map(({ method, path }) => `${method} ${path}`);
const caught = (call: Promise<unknown>): Promise<PurasAPIError> =>
  call.then(
    () => expect.unreachable("nothing was thrown"),
    (error) => error,
  );

/** A server that holds every request, and tells when the first one has come. */
async function hanging(options: PurasOptions = {}): Promise<[Puras, Promise<void>]> {
  let tell: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    tell = resolve;
  });
  const puras = await client(() => {
    tell();
    return HANG;
  }, options);
  return [puras, held];
}

describe("an aborted signal", () => {
  const reason = new RangeError("enough");
  const calls: [string, (puras: Puras, signal: AbortSignal) => Promise<unknown>][] = [
    ["submit", (puras, signal) => puras.submit("a/b", {}, { signal })],
    ["submit that waits", (puras, signal) => puras.submit("a/b", {}, { wait: true, signal })],
    ["run", (puras, signal) => puras.run("a/b", {}, { signal })],
    ["wait", (puras, signal) => puras.wait("1", { signal })],
    ["upload", (puras, signal) => puras.upload(new Blob(["x"]), { signal })],
  ];

  test.each(calls)("rejects a %s with its reason and frees the connection", async (_, call) => {
    const [puras, held] = await hanging();
    const controller = new AbortController();
    const pending = call(puras, controller.signal);
    held.then(() => controller.abort(reason));
    await expect(pending).rejects.toBe(reason);
    await vi.waitFor(() => expect(server.held).toBe(0), { timeout: 3000 });
    expect(server.seen).toHaveLength(1);
  });

  test.each(calls)("that was so before rejects a %s before any request", async (_, call) => {
    const puras = await client([]);
    await expect(call(puras, AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(server.seen).toEqual([]);
  });

  test("ends the sleep between two polls", async () => {
    const puras = await client([answer(JOB)]);
    const controller = new AbortController();
    const pending = puras.wait("1", { pollIntervalMs: 60_000, signal: controller.signal });
    await vi.waitFor(() => expect([server.seen.length, server.held]).toEqual([1, 0]));
    controller.abort(reason);
    await expect(pending).rejects.toBe(reason);
  });

  test("ends the pause before another try", async () => {
    POLICY.backoffMs = POLICY.longestBackoffMs = 60_000;
    const puras = await client([refusal(503, "not_ready", { "Retry-After": "60" })]);
    const controller = new AbortController();
    const pending = puras.wait("1", { signal: controller.signal });
    await vi.waitFor(() => expect(server.seen).toHaveLength(1));
    setTimeout(() => controller.abort(reason), 20);
    await expect(pending).rejects.toBe(reason);
  });

  test("rejects a run that is listening, and frees its stream", async () => {
    const stream: Scripted = {
      status: 200,
      headers: { "Content-Type": "text/event-stream" },
      body: 'id: 1\ndata: {"id":1,"type":"log","payload":{}}\n\n',
      end: "stall",
    };
    const puras = await client([answer(JOB), stream]);
    const controller = new AbortController();
    const onEvent = () => controller.abort(reason);
    const { signal } = controller;
    await expect(puras.run("a/b", {}, { onEvent, signal })).rejects.toBe(reason);
    await vi.waitFor(() => expect(server.held).toBe(0), { timeout: 3000 });
    expect(asked()).toEqual(["POST /v1/jobs", "GET /v1/jobs/1/stream"]);
  });
});

describe("time", () => {
  test("a request that takes too long is a PurasTimeoutError, and is tried again first", async () => {
    const [puras] = await hanging({ timeoutMs: 30, maxRetries: 1 });
    const error = await caught(puras.get("1"));
    expect(error).toBeInstanceOf(PurasTimeoutError);
    expect(error).toBeInstanceOf(PurasConnectionError);
    expect(error.message).toContain("no answer in time");
    expect(server.seen).toHaveLength(2);
  });

  test("a body that stops in the middle is a timeout too", async () => {
    const half: Scripted = { ...answer(JOB), body: '{"id"', end: "stall" };
    const puras = await client([half], { timeoutMs: 50, maxRetries: 0 });
    await expect(puras.get("1")).rejects.toThrow(PurasTimeoutError);
  });

  test("a limit of infinity is none", async () => {
    const slow: Play = () => new Promise((resolve) => setTimeout(() => resolve(answer(JOB)), 50));
    const puras = await client(slow, { timeoutMs: Infinity, maxRetries: 0 });
    expect(await puras.get("1")).toEqual(JOB);
  });

  test("a held request has ten seconds more than it is held", async () => {
    const puras = await client([answer(JOB)], { timeoutMs: 1000 });
    const timers = vi.spyOn(globalThis, "setTimeout");
    await puras.submit("a/b", {}, { wait: true, timeoutSeconds: 30 });
    expect(timers.mock.calls.map(([, ms]) => ms)).toContain(40_000);
  });

  test("no timer is left when a call is done", async () => {
    const puras = await client([answer(JOB), refusal(404, "job_not_found")]);
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout");
    const before = timers().length;
    await puras.get("1");
    await caught(puras.get("2"));
    expect(timers().length).toBeLessThanOrEqual(before);
  });

  test("wait asks at least once, however short its time", async () => {
    const puras = await client([answer(JOB)]);
    expect(await puras.wait("1", { timeoutMs: 0 })).toEqual(JOB);
    expect(server.seen[0]?.query).toEqual({});
  });
});

describe("another try", () => {
  const pauses = () => {
    const timers = vi.spyOn(globalThis, "setTimeout");
    // Neither the limit of a request, nor what Node's own fetch sets.
    const isOurs = (ms: number) => ms < 3000;
    return () => timers.mock.calls.map(([, ms]) => ms as number).filter(isOurs);
  };

  test("waits as long as Retry-After says, in seconds", async () => {
    const puras = await client([
      refusal(429, "rate_limited", { "Retry-After": "0.25" }),
      answer(JOB),
    ]);
    const waited = pauses();
    expect(await puras.get("1")).toEqual(JOB);
    expect(waited()).toContain(250);
  });

  test("waits until the date that Retry-After says", async () => {
    const date = new Date(Date.now() + 2000).toUTCString();
    const puras = await client([refusal(503, "not_ready", { "Retry-After": date }), answer(JOB)]);
    const waited = pauses();
    await puras.get("1");
    const longest = Math.max(...waited());
    expect(longest).toBeGreaterThan(500);
    expect(longest).toBeLessThanOrEqual(2000);
  });

  test("that would be a minute away is left to the caller", async () => {
    const puras = await client([refusal(429, "rate_limited", { "Retry-After": "61" })]);
    await expect(puras.get("1")).rejects.toThrow(RateLimitError);
    expect(server.seen).toHaveLength(1);
  });

  test("comes after a random part of a ceiling that doubles", async () => {
    Object.assign(POLICY, { backoffMs: 4, longestBackoffMs: 10 });
    vi.spyOn(Math, "random").mockReturnValue(0.5);
    const puras = await client(() => refusal(500, "internal_error"), { maxRetries: 3 });
    const waited = pauses();
    await caught(puras.get("1"));
    expect(waited()).toEqual([2, 4, 5]);
  });

  test("is not made where maxRetries is 0", async () => {
    const puras = await client([refusal(500, "internal_error")], { maxRetries: 0 });
    await expect(puras.get("1")).rejects.toThrow(ServerError);
    expect(server.seen).toHaveLength(1);
  });

  test.each([
    [402, "insufficient_credits"],
    [403, "key_fenced"],
    [409, "slug_taken"],
    [429, "spend_cap_reached"],
  ])("is never made after %i %s", async (status, code) => {
    const puras = await client([refusal(status, code)]);
    expect(await caught(puras.get("1"))).toMatchObject({ status, code });
    expect(server.seen).toHaveLength(1);
  });
});

describe("a submit that may have arrived", () => {
  const gone: Scripted = { status: null, end: "reset" };

  test("is repeated with the same key where the server says that it keeps keys", async () => {
    const puras = await client([
      gone,
      answer({ ok: true }, 200, { "Puras-Idempotency": "1" }),
      answer(JOB),
    ]);
    expect(await puras.submit("a/b")).toEqual(JOB);
    expect(asked()).toEqual(["POST /v1/jobs", "GET /health", "POST /v1/jobs"]);
    const keys = server.seen.map(({ headers }) => headers["idempotency-key"]);
    expect(keys[0]).toBeTruthy();
    expect(keys[2]).toBe(keys[0]);
  });

  test("is not repeated where it doesn't, and the error says what to do", async () => {
    const puras = await client([gone, answer({ ok: true })]);
    const error = await caught(puras.submit("a/b", {}, { idempotencyKey: "mine" }));
    expect(error).toBeInstanceOf(PurasConnectionError);
    expect(error.message).toMatch(/may exist.*"mine"/);
    expect(asked()).toEqual(["POST /v1/jobs", "GET /health"]);
  });

  test("asks the server once, and remembers", async () => {
    const puras = await client([gone, answer({ ok: true }), gone]);
    await caught(puras.submit("a/b"));
    await caught(puras.submit("a/b"));
    expect(asked()).toEqual(["POST /v1/jobs", "GET /health", "POST /v1/jobs"]);
  });

  test("has another key than the next one", async () => {
    const puras = await client([answer(JOB), answer(JOB)]);
    await puras.submit("a/b");
    await puras.submit("a/b");
    const [first, second] = server.seen.map(({ headers }) => headers["idempotency-key"]);
    expect(first).not.toBe(second);
  });

  test("is out of doubt where the connection was refused", async () => {
    server = await ScriptedServer.playing([]);
    const closed = createServer().listen(0, "127.0.0.1");
    await once(closed, "listening");
    const { port } = closed.address() as { port: number };
    closed.close();
    const puras = new Puras({ apiBase: `http://127.0.0.1:${port}`, apiKey: "k" });
    const { message } = await caught(puras.submit("a/b"));
    expect(message).toContain("ECONNREFUSED");
    expect(message).not.toContain("may exist");
  });
});

describe("a body that is not of the API", () => {
  const html = { "Content-Type": "text/html" };
  const page = "<!doctype html><title>Welcome</title><script>if (a < b) {}</script><p>Hello";

  test("is named where it is HTML", async () => {
    const puras = await client([{ status: 200, headers: html, body: page }]);
    const error = await caught(puras.get("1"));
    expect(error).toBeInstanceOf(PurasConnectionError);
    expect(error.message).toMatch(/HTML.*Welcome.*apiBase/);
  });

  test.each([
    ["empty", ""],
    ["a list", "[]"],
    ["null", "null"],
    ["cut JSON", '{"id": "1'],
  ])("is refused where it is %s", async (_, body) => {
    const puras = await client([{ status: 200, headers: JSON_TYPE, body }]);
    await expect(puras.get("1")).rejects.toThrow(/apiBase/);
    expect(server.seen).toHaveLength(1);
  });

  test("is quoted to 200 characters in a refusal", async () => {
    const puras = await client([{ status: 404, headers: html, body: "x".repeat(100_000) }]);
    const error = await caught(puras.get("1"));
    expect(error).toBeInstanceOf(NotFoundError);
    expect(error.message.length).toBeLessThan(300);
  });

  test.each([
    [{ detail: [{ msg: "bad" }] }, '422: [{"msg":"bad"}]'],
    [{ message: "said so" }, "422: said so"],
    [{ detail: "no", code: 7, request_id: "r" }, "422: no"],
    [null, "422: the answer was the body null"],
  ])("makes a useful refusal of %j", async (body, message) => {
    const puras = await client([answer(body, 422)]);
    expect((await caught(puras.get("1"))).message).toBe(message);
  });

  test("the request's id is read from the header where the body has none", async () => {
    const puras = await client([answer({ detail: "no" }, 404, { "X-Request-Id": "r-1" })]);
    expect((await caught(puras.get("1"))).requestId).toBe("r-1");
  });
});

test("a job that runs on at the timeout says so", async () => {
  const puras = await client(() => answer(JOB));
  const error = await caught(puras.run("a/b", {}, { timeoutMs: 1, pollIntervalMs: 1 }));
  expect(error).toBeInstanceOf(JobError);
  expect(error.message).toBe("job 1 running: it was not over at the timeout");
});

test("an event handler that is async is waited for", async () => {
  const log = (id: number, type: string, payload: object) =>
    `id: ${id}\ndata: ${JSON.stringify({ id, type, payload })}\n\n`;
  const body = log(1, "log", {}) + log(2, "status", { status: "succeeded" });
  const over = { id: "1", status: "succeeded", result: { a: 1 } };
  const headers = { "Content-Type": "text/event-stream" };
  const puras = await client([answer(JOB), { status: 200, headers, body }, answer(over)]);
  const order: string[] = [];
  const onEvent = async ({ id }: JobEvent) => {
    order.push(`${id} begins`);
    await new Promise(setImmediate);
    order.push(`${id} ends`);
  };
  expect(await puras.run("a/b", {}, { onEvent })).toEqual({ a: 1 });
  expect(order).toEqual(["1 begins", "1 ends", "2 begins", "2 ends"]);
});

test.each([
  ["bytes", new Uint8Array([104, 105])],
  ["a buffer", new Uint8Array([104, 105]).buffer],
  ["a blob", new Blob(["hi"])],
])("%s can be uploaded", async (_, file) => {
  const puras = await client([answer({ drive_path: "uploads/x" })]);
  await puras.upload(file, { path: 'a/"odd"\r\n.txt' });
  const sent = `${server.seen[0]?.body}`;
  expect(sent).toContain('filename="%22odd%22%0D%0A.txt"');
  expect(sent).toContain("\r\n\r\nhi\r\n--");
});
