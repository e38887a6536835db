import { afterEach, beforeEach, expect, test } from "vitest";
import { NotFoundError, Puras } from "../../src";
import { Follower } from "../../src/react/follower";
import { PENDING } from "../../src/react/state";
import { Watch } from "../../src/react/watch";
import { Audience } from "./audience";
import { JobServer } from "./job-server";

type Result = Record<string, unknown>;

let server: JobServer;

beforeEach(async () => {
  server = await JobServer.start();
});

afterEach(() => server.close());

/** A watch of a job, and its follower, as `useJob` makes them. */
function watching(id: string): { watch: Watch<Result>; follower: Follower<Result> } {
  const client = new Puras({ apiKey: "puras_pub_x.y", apiBase: server.url, maxRetries: 0 });
  const watch = new Watch<Result>(PENDING);
  const follower = new Follower(watch, { client, id, fetching: { transport: "sse" } });
  watch.follow(follower);
  return { watch, follower };
}

test("nothing is asked before somebody looks", async () => {
  watching(server.add().id);
  await new Promise((resolve) => setImmediate(resolve));
  expect(server.asked).toEqual([]);
});

test("a job that is over is shown with everything that happened", async () => {
  const job = server.add();
  job.emit("log", { message: "hello" });
  job.end("succeeded", { result: { n: 1 } });
  const { watch, follower } = watching(job.id);
  const audience = new Audience(watch);
  expect(await follower.outcome).toEqual({ n: 1 });
  expect(audience.state).toMatchObject({ status: "succeeded", result: { n: 1 } });
  expect(audience.state.events.map(({ type }) => type)).toEqual(["status", "log", "status"]);
});

test("a job that does not exist is failed, and is not asked for again", async () => {
  const { watch, follower } = watching("job-9");
  const audience = new Audience(watch);
  await expect(follower.outcome).rejects.toThrow(NotFoundError);
  expect(audience.state).toMatchObject({ status: "failed", job: undefined });
  expect(audience.state.error).toBeInstanceOf(NotFoundError);
  expect(server.count("GET")).toBe(1);
});

test("a restart takes a new connection and shows no event twice", async () => {
  const job = server.add();
  const { watch, follower } = watching(job.id);
  const audience = new Audience(watch);
  await audience.until(({ events }) => events.length === 1);
  const stream = `GET /v1/jobs/${job.id}/stream`;
  follower.restart();
  await server.until(() => server.count(stream) === 2);
  job.emit("log", { message: "after it" });
  job.end("succeeded");
  await follower.outcome;
  expect(audience.state.events.map(({ id }) => id)).toEqual([1, 2, 3]);
});

test("a job that is handed back is shown as queued again", async () => {
  const job = server.add();
  const audience = new Audience(watching(job.id).watch);
  await server.until(() => job.readers.size === 1);
  job.start();
  await audience.until(({ status }) => status === "running");
  job.emit("status", { status: "queued", attempt: 2 });
  await audience.until(({ status }) => status === "queued");
  expect(audience.state.job).toMatchObject({ status: "queued" });
});

test("a watch with nothing to follow asks nothing", async () => {
  const audience = new Audience(new Watch<Result>(PENDING));
  await new Promise((resolve) => setImmediate(resolve));
  audience.leave();
  expect(server.asked).toEqual([]);
});
