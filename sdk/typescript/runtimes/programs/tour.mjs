/**
 * A walk through all that the SDK can do, the same in every runtime.
 *
 * It takes the SDK as a value, so that each runtime loads it in its own way, and returns what it
 * saw as JSON: `tests/tour.ts` says what that has to be.
 */

/** @import { Job, JobEvent } from "puras" */
/** @typedef {typeof import("puras")} Sdk */
/** @typedef {{ apiKey?: string, apiBase?: string }} Settings */

/**
 * @param {Sdk} sdk
 * @param {Settings} [settings] Left out: from the environment.
 */
export async function tour(sdk, settings = {}) {
  const puras = new sdk.Puras({ ...settings, skillpack: "runtimes" });
  const followed = await follow(puras);
  return {
    run: await puras.run("noop", { word: "grün 🌱" }),
    ...followed,
    ...(await submitted(puras)),
    ...(await refused(sdk, puras)),
    ...(await left(puras, followed.jobId)),
    ...(await stored(sdk, puras)),
  };
}

/** @param {import("puras").Puras} puras */
async function follow(puras) {
  /** @type {JobEvent[]} */
  const told = [];
  const result = await puras.run(
    "ticker",
    { ticks: 5 },
    { onEvent: (event) => void told.push(event), pollIntervalMs: 100 },
  );
  const jobId = String(told[0]?.["job_id"]);
  return {
    jobId,
    result,
    told: told.map(short),
    events: await ids(puras.events(jobId)),
    resumed: await ids(puras.events(jobId, { afterId: 5 })),
    polled: await ids(puras.events(jobId, { transport: "poll" })),
  };
}

/** @param {import("puras").Puras} puras */
async function submitted(puras) {
  const order = { idempotencyKey: `order-${Date.now()}-${Math.random()}` };
  const first = await puras.submit("runtimes/noop", { word: "once" }, order);
  const again = await puras.submit("runtimes/noop", { word: "once" }, order);
  const waited = await puras.submit("noop", { word: "now" }, { wait: true });
  const over = await puras.wait(first.id);
  return {
    isOneJob: first.id === again.id,
    waited: waited.status,
    over: over.status,
    got: (await puras.get(first.id)).result,
    rating: (await puras.feedback(first.id, { rating: 1, comment: "fine" })).rating,
  };
}

/**
 * @param {Sdk} sdk
 * @param {import("puras").Puras} puras
 */
async function refused(sdk, puras) {
  const failure = await thrown(puras.run("failing"));
  const unknown = await thrown(puras.get("0192f0c1-0000-7000-8000-000000000000"));
  const invalid = await thrown(puras.run("noop", { word: 7 }));
  return {
    failure: failure instanceof sdk.JobError && [failure.job.status, failure.job.error],
    unknown: unknown instanceof sdk.NotFoundError && [unknown.status, unknown.code],
    invalid: invalid instanceof sdk.PurasAPIError && [invalid.status, invalid.code],
    isTraced: invalid instanceof sdk.PurasAPIError && !!invalid.requestId,
    isNowhere: (await thrown(puras.run(""))) instanceof sdk.SkillPathError,
  };
}

/**
 * Leave in every way there is.
 *
 * @param {import("puras").Puras} puras
 * @param {string} overId
 */
async function left(puras, overId) {
  const slow = await puras.submit("slow");
  const leaving = new AbortController();
  const seen = [];
  for await (const event of puras.events(slow.id, { signal: leaving.signal })) {
    seen.push(event.type);
    if (event.type === "log") leaving.abort();
  }
  const gone = await thrown(puras.wait(slow.id, { signal: leaving.signal }));
  for await (const _ of puras.events(slow.id)) break;
  const iterator = puras.events(overId);
  await iterator.next();
  await iterator.return();
  return {
    isEndedByAbort: seen.at(-1) === "log",
    gone: gone?.name,
    isOverAfterReturn: (await iterator.next()).done,
    cancelled: (await puras.cancel(slow.id)).status,
  };
}

/**
 * @param {Sdk} sdk
 * @param {import("puras").Puras} puras
 */
async function stored(sdk, puras) {
  const bytes = new Uint8Array([0, 13, 10, 45, 45, 255, 128]);
  const { drive_path, size_bytes } = await puras.upload(new Blob([bytes]), { path: "seven.bin" });
  return {
    size_bytes,
    isNamed: drive_path.endsWith("seven.bin"),
    measured: await puras.run("measure", { file: drive_path }),
    areSame: sdk.Client === sdk.Puras,
  };
}

/** @param {AsyncIterable<JobEvent>} events */
async function ids(events) {
  const seen = [];
  for await (const { id } of events) seen.push(id);
  return seen;
}

/** @param {JobEvent} event */
function short({ id, type, payload }) {
  return `${id} ${type} ${payload?.["status"] ?? payload?.["message"]}`;
}

/**
 * @param {Promise<unknown>} promise
 * @returns {Promise<Error | undefined>}
 */
async function thrown(promise) {
  try {
    await promise;
  } catch (error) {
    return /** @type {Error} */ (error);
  }
  return undefined;
}
