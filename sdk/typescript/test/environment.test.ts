/** What surrounds the client: an environment or none, a page or none. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";

// Each test gets a client that was just loaded: it warns once in its life.
let puras: typeof import("../src/index");

beforeEach(async () => {
  vi.stubEnv("PURAS_API_KEY", undefined);
  vi.stubEnv("PURAS_API_BASE", undefined);
  vi.resetModules();
  puras = await import("../src/index");
});

afterEach(() => {
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

/** A client whose fetch only tells what was asked for. */
function telling(options: object) {
  const fetch = vi.fn(async (..._: [url: string, init: RequestInit]) => Response.json({ id: "1" }));
  return { fetch, client: new puras.Puras({ ...options, fetch: fetch as never }) };
}

test("without a key nothing is made, and the error names both ways to give one", () => {
  expect(() => new puras.Puras()).toThrow(puras.MissingKeyError);
  expect(() => new puras.Puras({ apiKey: " " })).toThrow(/apiKey.*PURAS_API_KEY/);
});

test("where there is no environment, the key is to be passed", () => {
  vi.stubGlobal("process", undefined);
  expect(() => new puras.Puras()).toThrow(puras.MissingKeyError);
  expect(new puras.Puras({ apiKey: "puras_pub_x" })).toBeInstanceOf(puras.Puras);
});

test("an environment that may not be read is none", () => {
  vi.stubGlobal("process", {
    get env() {
      throw new Error("NotCapable: requires env access");
    },
  });
  expect(new puras.Puras({ apiKey: "puras_pub_x" })).toBeInstanceOf(puras.Puras);
  expect(() => new puras.Puras()).toThrow(puras.MissingKeyError);
});

test("the option is before the environment, and that before the default", async () => {
  const url = async (options: object) => {
    const { fetch, client } = telling(options);
    await client.get("1");
    return fetch.mock.calls[0]?.[0];
  };
  expect(await url({ apiKey: "k" })).toBe("https://api.puras.co/v1/jobs/1");
  vi.stubEnv("PURAS_API_BASE", "http://from-env/");
  expect(await url({ apiKey: "k" })).toBe("http://from-env/v1/jobs/1");
  expect(await url({ apiKey: "k", apiBase: " http://given// " })).toBe("http://given/v1/jobs/1");
});

test("a key from the environment is sent without the blanks around it", async () => {
  vi.stubEnv("PURAS_API_KEY", " puras_pub_x\n");
  const { fetch, client } = telling({});
  await client.get("1");
  const headers = fetch.mock.calls[0]?.[1].headers;
  expect(headers).toMatchObject({ Authorization: "Bearer puras_pub_x" });
});

test("a secret key in a page warns once, whatever the number of clients", () => {
  const warn = vi.spyOn(console, "warn").mockReturnValue();
  vi.stubGlobal("document", {});
  new puras.Puras({ apiKey: "puras_pub_x" });
  expect(warn).not.toHaveBeenCalled();
  new puras.Puras({ apiKey: "puras_live_abc.s3cret" });
  new puras.Puras({ apiKey: "puras_live_abc.s3cret" });
  expect(warn).toHaveBeenCalledOnce();
  expect(warn.mock.calls[0]?.[0]).toContain("puras_pub_");
  expect(`${warn.mock.calls}`).not.toContain("s3cret");
});

test("a secret key on a server does not warn", () => {
  const warn = vi.spyOn(console, "warn").mockReturnValue();
  new puras.Puras({ apiKey: "puras_live_abc.s3cret" });
  expect(warn).not.toHaveBeenCalled();
});

test("a client does not show its key", () => {
  const client = new puras.Puras({ apiKey: "puras_live_abc.s3cret" });
  expect(JSON.stringify(client)).not.toContain("s3cret");
});

test("the global fetch is looked up when it is used", async () => {
  const client = new puras.Puras({ apiKey: "k" });
  const later = vi.fn(async () => Response.json({ id: "later" }));
  vi.stubGlobal("fetch", later);
  expect(await client.get("1")).toEqual({ id: "later" });
});

test("where there is no randomUUID, keys are still of their own", async () => {
  vi.stubGlobal("crypto", undefined);
  const { fetch, client } = telling({ apiKey: "k" });
  await client.submit("a/b");
  await client.submit("a/b");
  const keys = fetch.mock.calls.map(([, { headers }]) => (headers as never)["Idempotency-Key"]);
  expect(new Set(keys).size).toBe(2);
});

test("errors keep their names when a bundler shortens those of classes", () => {
  for (const [name, Kind] of Object.entries(puras)) {
    if (!/Error$/.test(name)) continue;
    expect((Kind as { prototype: Error }).prototype.name).toBe(name);
    expect(Object.keys(Kind.prototype)).not.toContain("message");
  }
});
