// A client of the hosted product as its reference describes one, and a day in its life.
//
// It is written from that reference and the contract alone: plain fetch, no package. What happens is
// printed as a line of JSON, for the test that starts it; server and key come from the environment.

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const TERMINAL = new Set(["succeeded", "failed", "cancelled"]);
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

class PurasAPIError extends Error {
  constructor(status, detail) {
    super(`${status}: ${detail}`);
    this.name = "PurasAPIError";
    this.status = status;
  }
}

class JobError extends Error {
  constructor(job) {
    super(`job ${job.id} ${job.status}: ${job.error}`);
    this.name = "JobError";
    this.job = job;
  }
}

class Puras {
  constructor({ apiKey, skillpack, apiBase, timeoutMs = 120_000 } = {}) {
    this.apiKey = apiKey ?? process.env.PURAS_API_KEY;
    if (!this.apiKey) throw new Error("no API key");
    this.base = (apiBase ?? process.env.PURAS_API_BASE).replace(/\/+$/, "");
    this.skillpack = skillpack;
    this.timeoutMs = timeoutMs;
  }

  async submit(skill, inputs = {}, { skillpack, version, wait, timeoutSeconds = 60 } = {}) {
    const segments = skill.split("/").filter(Boolean);
    const name = segments.pop();
    const pack = segments.join("/") || skillpack || this.skillpack;
    if (!pack) throw new Error("no skillpack");
    const query = new URLSearchParams({ [UUID.test(pack) ? "skillpack_id" : "skillpack"]: pack });
    if (version !== undefined) query.set("version", String(version));
    if (wait) query.set("wait", "true");
    if (wait) query.set("timeout", String(timeoutSeconds));
    return this.request(`/v1/jobs?${query}`, { method: "POST", body: { skill: name, inputs } });
  }

  async run(skill, inputs = {}, { skillpack, version, ...waiting } = {}) {
    const submitted = await this.submit(skill, inputs, { skillpack, version });
    const job = await this.wait(submitted.id, waiting);
    if (job.status !== "succeeded") throw new JobError(job);
    return job.result ?? {};
  }

  get(jobId) {
    return this.request(`/v1/jobs/${jobId}`);
  }

  async wait(jobId, { timeoutMs = 600_000, pollIntervalMs = 2000 } = {}) {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const job = await this.get(jobId);
      if (TERMINAL.has(job.status) || Date.now() >= deadline) return job;
      await sleep(pollIntervalMs);
    }
  }

  events(jobId, { transport = "sse", ...options } = {}) {
    return transport === "poll" ? this.polled(jobId, options) : this.streamed(jobId, options);
  }

  async *polled(jobId, { afterId = 0, pollIntervalMs = 1500 }) {
    for (;;) {
      for (const event of await this.request(`/v1/jobs/${jobId}/events?after=${afterId}`)) {
        yield event;
        afterId = event.id;
        if (event.type === "status" && TERMINAL.has(event.payload.status)) return;
      }
      await sleep(pollIntervalMs);
    }
  }

  async *streamed(jobId, { afterId = 0, signal }) {
    const url = `/v1/jobs/${jobId}/stream?after=${afterId}`;
    const response = await this.fetch(url, { headers: { Accept: "text/event-stream" }, signal });
    let rest = "";
    for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
      const blocks = (rest + text).split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) {
        const lines = block.split("\n");
        if (lines.includes("event: end")) return;
        const data = lines.filter((line) => line.startsWith("data: ")).map((line) => line.slice(6));
        if (data.length) yield JSON.parse(data.join("\n"));
      }
    }
  }

  async request(path, { method = "GET", body } = {}) {
    const headers = body && { "Content-Type": "application/json" };
    const signal = AbortSignal.timeout(this.timeoutMs);
    const sent = { method, headers, body: body && JSON.stringify(body), signal };
    return (await this.fetch(path, sent)).json();
  }

  async fetch(path, { headers, ...options }) {
    const response = await fetch(this.base + path, {
      ...options,
      headers: { ...headers, Authorization: `Bearer ${this.apiKey}` },
    });
    if (response.ok) return response;
    const text = await response.text();
    let told = {};
    try {
      told = JSON.parse(text);
    } catch {}
    throw new PurasAPIError(response.status, told.detail ?? told.message ?? text);
  }
}

const say = (what, value) => console.log(JSON.stringify({ [what]: value }));
const seen = (event) => [event.id, event.type, event.payload.status ?? event.payload.message];
const quick = { pollIntervalMs: 50 };

async function failure(promise) {
  try {
    await promise;
  } catch (error) {
    return { name: error.name, status: error.status ?? error.job?.status, text: error.message };
  }
  return null;
}

async function collect(events) {
  const all = [];
  for await (const event of events) all.push(event);
  return all;
}

const puras = new Puras();
say("run", await puras.run("local/skills/greet", { name: "Ada" }, quick));

const mine = new Puras({ skillpack: "skills" });
const job = await mine.submit("greet", { name: "Grace" });
say("submitted", { id: UUID.test(job.id), known: ["queued", "running"].includes(job.status) });
say("streamed", (await collect(mine.events(job.id))).map(seen));
say("polled", (await collect(mine.events(job.id, { transport: "poll", ...quick }))).map(seen));
say("resumed", (await collect(mine.events(job.id, { afterId: 3 }))).map((event) => event.id));
say("done", (await mine.get(job.id)).result);
const waited = await mine.submit("greet", { name: "A" }, { wait: true, version: 1 });
say("waited", [waited.status, waited.result, waited.version]);
say("by id", await puras.run("greet", { name: "B" }, { skillpack: waited.skillpack_id, ...quick }));

const sleeping = await mine.submit("sleep", { seconds: 5 });
const brief = await mine.submit("sleep", { seconds: 5 }, { wait: true, timeoutSeconds: 0.2 });
say("not over", TERMINAL.has(brief.status));
const leaving = new AbortController();
for await (const event of mine.events(sleeping.id, { signal: leaving.signal })) {
  if (event.payload.message === "asleep") break;
}
say("left", (await mine.get(sleeping.id)).status);
say("timed out", await failure(mine.run("sleep", { seconds: 5 }, { timeoutMs: 300, ...quick })));

say("failed", await failure(mine.run("fail", {}, quick)));
say("wrong inputs", await failure(mine.submit("greet", { name: 7 })));
say("no skill", await failure(mine.submit("gret", { name: "Ada" })));
say("no job", await failure(mine.get("0192f000-0000-7000-8000-000000000000")));
say("no key", await failure(new Puras({ apiKey: "puras_live_x" }).run("skills/greet", {})));
const app = new Puras({ apiKey: process.env.APP_KEY });
say("app", await app.run("local/skills/greet", { name: "C" }, quick));
say("fenced", await failure(app.submit("local/skills/fail")));
const capped = new Puras({ apiKey: process.env.CAPPED_KEY });
say("capped", await failure(capped.submit("local/skills/greet", { name: "D" })));
