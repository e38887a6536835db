/** The SDK in this Node: the connections that it holds, and lets go. */
import { Puras, type PurasOptions } from "puras";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FaultProxy } from "../faults/proxy";
import { API, ask, SECRET_KEY, tick } from "../harness/api";
import { AT_ONCE_MS } from "./tour";

let proxy: FaultProxy;
let jobId: string;
beforeEach(async () => {
  proxy = await FaultProxy.start(API);
  jobId = await tick({ ticks: 2000, pause: 0.02 });
});
afterEach(async () => {
  await ask(`/v1/jobs/${jobId}/cancel`, {});
  await proxy.close();
});

const client = (options: PurasOptions = {}): Puras =>
  new Puras({ apiKey: SECRET_KEY, apiBase: proxy.url, ...options });

const ways = {
  async break() {
    for await (const _ of client().events(jobId)) break;
  },
  async return() {
    const events = client().events(jobId);
    await events.next();
    await events.return();
  },
  async abort() {
    const leaving = new AbortController();
    for await (const _ of client().events(jobId, { signal: leaving.signal })) leaving.abort();
  },
  async "an error of the loop"() {
    const looping = async (): Promise<void> => {
      for await (const _ of client().events(jobId)) throw new Error("mine");
    };
    await expect(looping()).rejects.toThrow("mine");
  },
};

test.each(Object.entries(ways))("%s frees the connection while the job runs", async (_, leave) => {
  await leave();
  await expectFreed();
  expect(proxy.count("/stream")).toBe(1);
});

test("return and abort free a connection on which a read is waiting", async () => {
  for (const leave of ["return", "abort"]) {
    const leaving = new AbortController();
    const events = client().events(jobId, { signal: leaving.signal });
    await events.next();
    proxy.freeze();
    const waiting = drain(events);
    if (leave === "return") await events.return();
    else leaving.abort();
    await waiting;
    await expectFreed();
  }
});

test("a signal that is aborted before the stream answers leaves nothing behind", async () => {
  const leaving = new AbortController();
  const draining = drain(client().events(jobId, { signal: leaving.signal }));
  await proxy.until(() => proxy.count("/stream") === 1);
  leaving.abort();
  await draining;
  await expectFreed();
});

test("a passed fetch that gives no body to read makes auto poll", async () => {
  const bodiless: typeof fetch = async (input, init) => {
    const response = await fetch(input, init);
    const text = await response.text();
    const { status, headers } = response;
    return Object.defineProperty(new Response(text, { status, headers }), "body", { value: null });
  };
  const id = await tick({ ticks: 3 }, true);
  const seen = [];
  for await (const event of client({ fetch: bodiless }).events(id)) seen.push(event.id);
  expect(seen).toEqual([1, 2, 3, 4, 5, 6]);
  expect(proxy.count("/stream")).toBe(0);
});

async function expectFreed(): Promise<void> {
  const left = Date.now();
  await proxy.until(() => proxy.openStreams === 0);
  expect(Date.now() - left).toBeLessThan(AT_ONCE_MS);
}

async function drain(events: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of events);
}
