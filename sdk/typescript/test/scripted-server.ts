/**
 * A real HTTP server on loopback that plays a script, faults included.
 *
 * What was asked is kept in `seen`. A body's end is the script's to choose: whole, cut, reset, or
 * silence; `held` counts the requests that still hold a connection. (Connections alone would tell nothing:
 * Node's fetch opens an idle one in place of each that was broken off.)
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

export type End = "whole" | "cut" | "reset" | "stall";

/** A request as it arrived; names of headers are in lower case. */
export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
}

/** `status` null: the connection ends, as `end` says, without a word. */
export interface Scripted {
  readonly status: number | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  readonly end?: End;
}

export type Play = (seen: Seen) => Scripted | Promise<Scripted>;

export class ScriptedServer {
  readonly seen: Seen[] = [];
  held = 0;
  private readonly sockets = new Set<Socket>();
  private readonly http = createServer((request, response) => void this.answer(request, response));
  private readonly faults: unknown[] = [];

  private constructor(private readonly play: Play) {
    this.http.on("connection", (socket) => {
      this.sockets.add(socket);
      socket.on("close", () => this.sockets.delete(socket));
      socket.on("error", () => undefined); // a client that leaves is part of the script
    });
  }

  /** Serve a list of answers in their order, or whatever a function makes of each request. */
  static async playing(script: readonly Scripted[] | Play): Promise<ScriptedServer> {
    const left = typeof script === "function" ? [] : [...script];
    const next: Play = (seen) => {
      const answer = left.shift();
      if (!answer) throw new Error(`the script has no answer for ${seen.method} ${seen.path}`);
      return answer;
    };
    const server = new ScriptedServer(typeof script === "function" ? script : next);
    server.http.listen(0, "127.0.0.1");
    await once(server.http, "listening");
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.http.address() as AddressInfo).port}`;
  }

  /** Stop; throws what went wrong while the script was played. */
  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.http.close();
    if (this.faults.length > 0) throw this.faults[0];
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { socket } = request;
    this.held++;
    response.on("close", () => this.held--);
    try {
      const seen = await read(request);
      this.seen.push(seen);
      const { status, headers = {}, body = "", end = "whole" } = await this.play(seen);
      if (status === null) return hangUp(socket, end);
      response.writeHead(status, headers);
      if (end === "whole") return void response.end(body);
      response.write(body, () => end !== "stall" && setImmediate(() => hangUp(socket, end)));
    } catch (fault) {
      this.faults.push(fault);
      socket.destroy();
    }
  }
}

function hangUp(socket: Socket, end: End): void {
  if (end === "reset") socket.resetAndDestroy();
  else if (end !== "stall") socket.destroy();
}

async function read(request: IncomingMessage): Promise<Seen> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const [path = "", search = ""] = (request.url ?? "").split("?");
  return {
    method: request.method ?? "",
    path,
    query: Object.fromEntries(new URLSearchParams(search)),
    headers: request.headers as Record<string, string | undefined>,
    body: Buffer.concat(chunks),
  };
}
