/**
 * A real HTTP server that keeps jobs and streams their events, and does what a test tells it to.
 *
 * It counts what the hooks ask of it. Jobs begin as `queued` and go on when the test says so.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

type Payload = Record<string, unknown>;

/** One job: its row, its events, and who reads them. */
class ServedJob {
  readonly row: Payload;
  readonly events: Payload[] = [];
  readonly readers = new Set<ServerResponse>();
  private readonly waiting = new Set<() => void>();

  constructor(readonly id: string) {
    this.row = { id, status: "queued", result: null, error: null };
    this.emit("status", { status: "queued" });
  }

  emit(type: string, payload: Payload): void {
    this.emitAll([[type, payload]]);
  }

  /** Emit events in one write. */
  emitAll(events: [type: string, payload: Payload][]): void {
    const before = this.events.length;
    for (const [type, payload] of events) {
      this.events.push({ id: this.events.length + 1, job_id: this.id, type, payload });
    }
    for (const reader of this.readers) reader.write(this.textAfter(before));
  }

  start(): void {
    this.row["status"] = "running";
    this.emit("status", { status: "running" });
  }

  end(status: string, rest: Payload = {}): void {
    Object.assign(this.row, { status, ...rest });
    this.emit("status", { status });
    for (const reader of this.readers)
      reader.end(`event: end\ndata: ${JSON.stringify({ status })}\n\n`);
    for (const answer of this.waiting) answer();
  }

  get isOver(): boolean {
    return ["succeeded", "failed", "cancelled"].includes(String(this.row["status"]));
  }

  textAfter(id: number): string {
    return this.events
      .slice(id)
      .map((event) => `id: ${event["id"]}\ndata: ${JSON.stringify(event)}\n\n`)
      .join("");
  }

  /** Resolves when the job is over, or the time is up. */
  over(seconds: number): Promise<void> {
    if (this.isOver) return Promise.resolve();
    return new Promise((resolve) => {
      this.waiting.add(resolve);
      setTimeout(resolve, seconds * 1000).unref();
    });
  }
}

export class JobServer {
  readonly jobs: ServedJob[] = [];
  /** What was asked, as `POST /v1/jobs`, oldest first. */
  readonly asked: string[] = [];
  /** The next submit is refused with these. */
  refusal: { status: number; code: string; detail: string } | undefined;
  url = "";

  private readonly server = createServer((request, response) => this.answer(request, response));
  private readonly listeners = new Set<() => void>();

  static async start(): Promise<JobServer> {
    const served = new JobServer();
    served.server.listen(0, "127.0.0.1");
    await once(served.server, "listening");
    served.url = `http://127.0.0.1:${(served.server.address() as AddressInfo).port}`;
    return served;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, "close");
  }

  /** Keep a job that somebody else submitted. */
  add(): ServedJob {
    const job = new ServedJob(`job-${this.jobs.length + 1}`);
    this.jobs.push(job);
    return job;
  }

  /** Resolves once `condition` holds; it is looked at whenever something was asked or let go. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => this.listeners.add(resolve));
    }
  }

  count(request: string): number {
    return this.asked.filter((each) => each.startsWith(request)).length;
  }

  get openStreams(): number {
    return this.jobs.reduce((sum, job) => sum + job.readers.size, 0);
  }

  private notice(): void {
    for (const listener of [...this.listeners]) listener();
    this.listeners.clear();
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "", this.url);
    const [, , , id, what] = url.pathname.split("/");
    const job = this.jobs.find((each) => each.id === id);
    await body(request);
    this.asked.push(`${request.method} ${url.pathname}`);
    if (id === undefined) this.submit(response);
    else if (!job) send(response, 404, { detail: `no job ${id}`, code: "job_not_found" });
    else if (what === "stream")
      this.stream(job, response, Number(url.searchParams.get("after") ?? 0));
    else if (what === "cancel") this.cancel(job, response);
    else await look(job, response, Number(url.searchParams.get("wait") ?? 0));
    this.notice();
  }

  private submit(response: ServerResponse): void {
    const { refusal } = this;
    this.refusal = undefined;
    if (refusal) send(response, refusal.status, { detail: refusal.detail, code: refusal.code });
    else send(response, 201, this.add().row);
  }

  private cancel(job: ServedJob, response: ServerResponse): void {
    if (!job.isOver) job.end("cancelled", { error: "cancelled by the caller" });
    send(response, 200, job.row);
  }

  private stream(job: ServedJob, response: ServerResponse, after: number): void {
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    response.write(`: hello\n\n${job.textAfter(after)}`);
    if (job.isOver) {
      response.end("event: end\ndata: {}\n\n");
      return;
    }
    job.readers.add(response);
    response.on("close", () => {
      job.readers.delete(response);
      this.notice();
    });
  }
}

async function look(job: ServedJob, response: ServerResponse, wait: number): Promise<void> {
  await job.over(wait);
  send(response, 200, job.row);
}

async function body(request: IncomingMessage): Promise<void> {
  request.resume();
  await once(request, "end");
}

function send(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "Content-Type": "application/json", "Puras-Idempotency": "1" });
  response.end(JSON.stringify(value));
}
