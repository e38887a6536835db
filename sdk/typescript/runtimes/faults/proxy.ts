/**
 * A proxy between a client and the server: it passes on everything, and breaks event streams.
 *
 * It also tells what was asked, and how many connections hold a stream open.
 */
import { once } from "node:events";
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as openRequest,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { type Fault, noFaults, type Plan } from "./plan";

const PAGE = "<!doctype html>\n\n<title>Bad gateway</title>\n\n<p>The server is away.</p>\n\n";
/** How many events a `repeat` goes back. */
const REPEATED = 3;

export class FaultProxy {
  url = "";
  /** What was asked, as `GET /v1/jobs/…/stream`, oldest first; preflights are left out. */
  readonly asked: string[] = [];
  /** The faults that happened. */
  readonly faults: Fault[] = [];

  private readonly streams = new Map<ServerResponse, IncomingMessage | undefined>();
  private readonly listeners = new Set<() => void>();
  private readonly server = createServer((request, response) => this.pass(request, response));

  private constructor(
    private readonly target: string,
    private readonly plan: Plan,
  ) {}

  static async start(target: string, plan: Plan = noFaults): Promise<FaultProxy> {
    const proxy = new FaultProxy(target, plan);
    proxy.server.listen(0, "127.0.0.1");
    await once(proxy.server, "listening");
    proxy.url = `http://127.0.0.1:${(proxy.server.address() as AddressInfo).port}`;
    return proxy;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, "close");
  }

  /** How many connections carry a stream that has not ended. */
  get openStreams(): number {
    return this.streams.size;
  }

  /** Let nothing more through on the streams that are open now; the next ones are served. */
  freeze(): void {
    for (const [response, answer] of this.streams) answer?.unpipe(response);
  }

  /** How often something was asked whose method and path hold `part`. */
  count(part: string): number {
    return this.asked.filter((each) => each.includes(part)).length;
  }

  /** Resolves once `condition` holds; it is looked at whenever a stream or request comes or goes. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.listeners.add(resolve));
  }

  private notice(): void {
    for (const listener of [...this.listeners]) listener();
    this.listeners.clear();
  }

  private pass(request: IncomingMessage, response: ServerResponse): void {
    const { method, url = "" } = request;
    const isStream = method === "GET" && /\/stream(\?|$)/.test(url);
    if (method !== "OPTIONS") this.asked.push(`${method} ${url}`);
    if (isStream) this.watch(response);
    this.notice();
    this.answer(request, response, isStream ? this.plan() : undefined);
  }

  private watch(response: ServerResponse): void {
    this.streams.set(response, undefined);
    response.once("close", () => {
      this.streams.delete(response);
      this.notice();
    });
  }

  private answer(request: IncomingMessage, response: ServerResponse, fault?: Fault): void {
    if (!fault || !isInstead(fault)) return void this.forward(request, response, fault);
    this.faults.push(fault);
    if (fault.kind === "refuse") request.socket.resetAndDestroy();
    else answerPage(response, fault.kind === "page" ? 200 : 502);
  }

  private forward(request: IncomingMessage, response: ServerResponse, fault?: Fault): void {
    const { method, url = "" } = request;
    const [path, headers] =
      fault?.kind === "repeat" ? repeating(url, request.headers) : [url, request.headers];
    const upstream = openRequest(this.target + path, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      response.flushHeaders();
      if (fault) this.breakOff(answer, response, fault);
      else answer.pipe(response);
      if (this.streams.has(response)) this.streams.set(response, answer);
    });
    upstream.on("error", () => response.destroy());
    response.on("close", () => upstream.destroy());
    request.pipe(upstream);
  }

  /** Pass on as much as the fault lets through, then do what its kind says. */
  private breakOff(answer: IncomingMessage, response: ServerResponse, fault: Fault): void {
    let left = fault.afterBytes;
    const onData = (chunk: Buffer): void => {
      const passed = chunk.subarray(0, left);
      left -= passed.length;
      if (left > 0) return void response.write(passed);
      answer.off("data", onData).off("end", onEnd).resume();
      response.write(passed, finish);
    };
    const onEnd = (): void => void response.end();
    const finish = (): void => {
      this.faults.push(fault);
      end(response, fault);
    };
    answer.on("data", onData).on("end", onEnd);
  }
}

/** Whether the fault comes in the place of an answer, and not in the middle of one. */
function isInstead({ kind }: Fault): boolean {
  return kind === "refuse" || kind === "page" || kind === "unavailable";
}

function end(response: ServerResponse, { kind }: Fault): void {
  if (kind === "end") response.end();
  else if (kind === "garbage") response.end(PAGE);
  else if (kind === "reset") response.socket?.resetAndDestroy();
  else if (kind !== "stall") response.destroy();
}

function answerPage(response: ServerResponse, status: number): void {
  response.writeHead(status, { "Content-Type": "text/html", "Access-Control-Allow-Origin": "*" });
  response.end(PAGE);
}

/** The request for a stream that begins a few events too early. */
function repeating(url: string, headers: IncomingHttpHeaders): [string, IncomingHttpHeaders] {
  const { "last-event-id": lastId = "0", ...others } = headers;
  const after = Math.max(0, Number(lastId) - REPEATED);
  return [url.replace(/\?.*/, `?after=${after}`), others];
}
