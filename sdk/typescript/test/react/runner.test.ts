import { afterEach, beforeEach, expect, test } from "vitest";
import { JobError, Puras, PurasAPIError } from "../../src";
import { type Call, Runner } from "../../src/react/runner";
import { Audience } from "./audience";
import { JobServer } from "./job-server";

type Result = Record<string, unknown>;

let server: JobServer;
let runner: Runner<Result>;
let call: Call;

beforeEach(async () => {
  server = await JobServer.start();
  runner = new Runner();
  call = {
    client: new Puras({ apiKey: "puras_pub_x.y", apiBase: server.url, maxRetries: 0 }),
    skill: "acme/cards/card",
    inputs: { name: "Ada" },
    submitting: {},
    fetching: { transport: "sse" },
  };
});

afterEach(() => server.close());

/** The job that the `number`th submit made, once a stream of it is open. */
async function streamed(number = 1) {
  await server.until(() => (server.jobs[number - 1]?.readers.size ?? 0) > 0);
  return server.jobs[number - 1]!;
}

test("a run is shown from the submit to the result", async () => {
  const audience = new Audience(runner.watch);
  const outcome = runner.run(call);
  expect(audience.state.status).toBe("pending");

  const job = await streamed();
  expect(audience.state).toMatchObject({ status: "queued", job: { id: "job-1" } });
  job.start();
  job.emit("progress", { fraction: 0.5 });
  await audience.until(({ events }) => events.length === 3);
  expect(audience.state).toMatchObject({ status: "running", job: { status: "running" } });

  job.end("succeeded", { result: { url: "https://cards.example/1" } });
  expect(await outcome).toEqual({ url: "https://cards.example/1" });
  expect(audience.state).toMatchObject({ status: "succeeded", result: await outcome });
  expect(audience.state.events.map(({ id }) => id)).toEqual([1, 2, 3, 4]);
});

test("no state says that a job is over without saying how it ended", async () => {
  const audience = new Audience(runner.watch);
  const outcome = runner.run(call);
  (await streamed()).end("succeeded", { result: null });
  expect(await outcome).toEqual({});
  const over = audience.shown.filter(({ status }) => status === "succeeded");
  expect(over).toHaveLength(1);
  expect(over[0]!.result).toEqual({});
});

test("the end is not told before the result is here", async () => {
  const audience = new Audience(runner.watch);
  const outcome = runner.run(call);
  const job = await streamed();
  job.emit("status", { status: "succeeded" });
  await audience.until(({ events }) => events.length === 2);
  expect(audience.state.status).toBe("queued");
  job.end("succeeded", { result: { n: 1 } });
  expect(await outcome).toEqual({ n: 1 });
  expect(audience.state.status).toBe("succeeded");
});

test("a job that fails rejects, and is shown with its error", async () => {
  const audience = new Audience(runner.watch);
  const outcome = runner.run(call);
  (await streamed()).end("failed", { error: "no such font", error_code: "function_error" });
  await expect(outcome).rejects.toThrow(JobError);
  await expect(outcome).rejects.toThrow("no such font");
  expect(audience.state).toMatchObject({ status: "failed", result: undefined });
  expect(audience.state.error).toBeInstanceOf(JobError);
});

test("a refused submit is failed and has no job", async () => {
  const audience = new Audience(runner.watch);
  server.refusal = { status: 402, code: "insufficient_credits", detail: "add credits" };
  await expect(runner.run(call)).rejects.toThrow(PurasAPIError);
  expect(audience.state).toMatchObject({ status: "failed", job: undefined });
  expect(audience.state.error).toMatchObject({ status: 402 });
});

test("a rejection that nobody handles is silent", async () => {
  const unhandled: unknown[] = [];
  const keep = (reason: unknown): number => unhandled.push(reason);
  process.on("unhandledRejection", keep);
  const audience = new Audience(runner.watch);
  server.refusal = { status: 402, code: "insufficient_credits", detail: "add credits" };
  void runner.run(call);
  await audience.until(({ status }) => status === "failed");
  void runner.run(call);
  await streamed();
  audience.leave();
  await server.until(() => server.openStreams === 0);
  await new Promise((resolve) => setImmediate(resolve));
  process.off("unhandledRejection", keep);
  expect(unhandled).toEqual([]);
});

test("what runs twice in one go is submitted once", async () => {
  new Audience(runner.watch);
  const first = runner.run(call);
  const second = runner.run(call);
  await expect(first).rejects.toMatchObject({ name: "AbortError" });
  (await streamed()).end("succeeded", { result: { n: 1 } });
  expect(await second).toEqual({ n: 1 });
  expect(server.count("POST /v1/jobs")).toBe(1);
});

test("a newer run takes the place of one that goes on", async () => {
  const audience = new Audience(runner.watch);
  const first = runner.run(call);
  const old = await streamed(1);
  old.emit("log", { message: "of the old one" });
  await audience.until(({ events }) => events.length === 2);

  const second = runner.run(call);
  expect(audience.state).toMatchObject({ status: "pending", events: [], job: undefined });
  await expect(first).rejects.toMatchObject({ name: "AbortError" });
  const job = await streamed(2);
  await server.until(() => old.readers.size === 0);
  old.end("succeeded", { result: { of: "the old one" } });
  job.end("succeeded", { result: { of: "the new one" } });

  expect(await second).toEqual({ of: "the new one" });
  expect(audience.state.job?.id).toBe("job-2");
  expect(audience.state.events.map((event) => event["job_id"])).toEqual(["job-2", "job-2"]);
  expect(server.count("POST /v1/jobs/job-1/cancel")).toBe(0);
});

test("what comes of a run that was replaced is not shown", async () => {
  const audience = new Audience(runner.watch);
  server.refusal = { status: 402, code: "insufficient_credits", detail: "add credits" };
  const first = runner.run(call);
  await server.until(() => server.count("POST /v1/jobs") === 1);
  const second = runner.run(call);
  await expect(first).rejects.toThrow();
  (await streamed()).end("succeeded");
  expect(await second).toEqual({});
  expect(audience.shown.filter(({ error }) => error)).toEqual([]);
});

test("a component that leaves lets go of the stream, and the job goes on", async () => {
  const audience = new Audience(runner.watch);
  const outcome = runner.run(call);
  const job = await streamed();
  audience.leave();
  await server.until(() => server.openStreams === 0);
  await expect(outcome).rejects.toMatchObject({ name: "AbortError" });
  expect(server.count("POST")).toBe(1);
  expect(job.isOver).toBe(false);
});

test("a run whose component left while it was submitted is not followed", async () => {
  const audience = new Audience(runner.watch);
  const outcome = runner.run(call);
  await Promise.resolve();
  audience.leave();
  await expect(outcome).rejects.toMatchObject({ name: "AbortError" });
  expect(server.count("POST /v1/jobs")).toBe(1);
  expect(server.count("GET")).toBe(0);
});

test("a component that comes back goes on after the last event", async () => {
  const first = new Audience(runner.watch);
  void runner.run(call);
  const job = await streamed();
  job.start();
  await first.until(({ events }) => events.length === 2);
  first.leave();
  await server.until(() => server.openStreams === 0);

  job.emit("log", { message: "while nobody looked" });
  const second = new Audience(runner.watch);
  await streamed();
  job.end("succeeded", { result: { n: 1 } });
  await second.until(({ status }) => status === "succeeded");
  expect(second.state.events.map(({ id }) => id)).toEqual([1, 2, 3, 4]);
});

test("leaving and coming back in one go costs no connection", async () => {
  new Audience(runner.watch).leave();
  const audience = new Audience(runner.watch);
  const outcome = runner.run(call);
  const job = await streamed();
  audience.leave();
  new Audience(runner.watch);
  job.end("succeeded");
  expect(await outcome).toEqual({});
  expect(server.count("GET /v1/jobs/job-1/stream")).toBe(1);
});

test("ten thousand events are shown in a few goes", async () => {
  const audience = new Audience(runner.watch);
  const outcome = runner.run(call);
  const job = await streamed();
  for (let hundred = 0; hundred < 100; hundred++) {
    job.emitAll(Array.from({ length: 100 }, () => ["log", { message: "tick" }]));
  }
  job.end("succeeded");
  await outcome;
  const ids = audience.state.events.map(({ id }) => id);
  expect(ids).toEqual(Array.from({ length: 10_002 }, (_, index) => index + 1));
  expect(audience.shown.length).toBeLessThan(500);
});

test("cancel ends the job of the newest run", async () => {
  const audience = new Audience(runner.watch);
  await runner.cancel();
  const outcome = runner.run(call);
  await runner.cancel();
  await expect(outcome).rejects.toThrow(JobError);
  expect(audience.state).toMatchObject({ status: "cancelled" });
  expect(server.count("POST /v1/jobs/job-1/cancel")).toBe(1);
});

test("cancel has nothing to do where the submit was refused", async () => {
  new Audience(runner.watch);
  server.refusal = { status: 402, code: "insufficient_credits", detail: "add credits" };
  const outcome = runner.run(call);
  await runner.cancel();
  await expect(outcome).rejects.toThrow(PurasAPIError);
  expect(server.count("POST")).toBe(1);
});
