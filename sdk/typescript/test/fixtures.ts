/** Reads `contract/fixtures`: a fixture's answers, and what it demands of a call. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import * as puras from "../src/index";
import type { End, Scripted, Seen } from "./scripted-server";

export const FOLDER = join(__dirname, "../../../contract/fixtures");
export const JOB_ID = "01939f3e-0000-7000-8000-0000000000aa";

type Fields = Record<string, unknown>;

interface Response {
  status: number | null;
  headers?: Record<string, string>;
  json?: unknown;
  text?: string;
  file?: string;
  to?: number;
  end?: End;
}

export interface WantedError extends Fields {
  error: string;
  text?: string;
}

interface WantedRequest {
  method: string;
  path: string;
  query: Record<string, string>;
  headers: Record<string, string>;
  json?: unknown;
  multipart?: Fields;
}

export interface CallCase {
  name: string;
  client: Fields;
  call: { method: string; arguments: Fields };
  exchanges: { request: WantedRequest; response: Response }[];
  returns?: unknown;
  raises?: WantedError;
  yields?: number[];
}

type Connection = Partial<Response> & { cut?: number | "every"; repeat?: number };

export interface FaultCase {
  name: string;
  stream: string;
  transport: "auto" | "sse" | "poll";
  after_id?: number;
  connections: Connection[];
  pages?: (number[] | string)[];
  yields: number[];
  raises?: WantedError;
}

export interface DecoderCase {
  name: string;
  stream: string;
  messages: { event?: string; data: string; id?: string }[];
}

export function cases<Case>(folder: string): Case[] {
  const names = readdirSync(join(FOLDER, folder)).filter((name) => name.endsWith(".json"));
  return names.sort().flatMap((name) => JSON.parse(readText(`${folder}/${name}`)) as Case[]);
}

export function readText(path: string): string {
  return readFileSync(join(FOLDER, path), "utf-8");
}

export function readBytes(path: string): Buffer {
  return readFileSync(join(FOLDER, path));
}

/** The answer that a fixture's response describes. */
export function scripted(told: Response): Scripted {
  const body = bodyOf(told).subarray(0, told.to);
  const type: Record<string, string> = "json" in told ? { "Content-Type": "application/json" } : {};
  return {
    status: told.status,
    headers: { ...type, ...told.headers },
    body,
    end: told.end ?? "whole",
  };
}

function bodyOf({ json, file, text = "" }: Response): Buffer {
  if (json !== undefined) return Buffer.from(JSON.stringify(json));
  return file === undefined ? Buffer.from(text) : readBytes(file);
}

/** Demand exactly the requests of a fixture, in their order. */
export async function checkRequests(wanted: WantedRequest[], seen: readonly Seen[]): Promise<void> {
  const names = wanted.map(({ method, path }) => `${method} ${path}`);
  expect(seen.map(({ method, path }) => `${method} ${path}`)).toEqual(names);
  const bound = new Map<string, string | undefined>();
  for (const [index, request] of wanted.entries()) {
    const got = seen[index] as Seen;
    expect(got.query).toEqual(request.query);
    for (const [name, text] of Object.entries(request.headers)) {
      expect(got.headers[name], name).toBeTruthy();
      if (text.startsWith("$") && !bound.has(text)) bound.set(text, got.headers[name]);
      expect(got.headers[name]).toBe(text.startsWith("$") ? bound.get(text) : text);
    }
    if ("json" in request) expect(JSON.parse(`${got.body}`)).toEqual(request.json);
    else if (request.multipart) expect(await form(got)).toEqual(request.multipart);
    else expect(`${got.body}`).toBe("");
  }
}

/** Read a multipart body: fields as text, files as `filename`, `type` and `text`. */
async function form({ headers, body }: Seen): Promise<Fields> {
  const type = { "Content-Type": headers["content-type"] ?? "" };
  const read = await new Response(new Uint8Array(body), { headers: type }).formData();
  const fields: Fields = {};
  for (const [name, value] of read.entries()) {
    const isText = typeof value === "string";
    fields[name] = isText
      ? value
      : { filename: value.name, type: value.type, text: await value.text() };
  }
  return fields;
}

const FIELDS: Readonly<Record<string, string>> = { request_id: "requestId" };

/** Demand the class of an error, the words in it and the fields that a fixture names. */
export function checkError(wanted: WantedError, thrown: unknown): void {
  const kinds = puras as unknown as Record<string, new () => Error>;
  const kind = kinds[wanted.error] as new () => Error;
  expect(Object.getPrototypeOf(thrown), String(thrown)).toBe(kind.prototype);
  expect((thrown as Error).name).toBe(wanted.error);
  expect((thrown as Error).message).toContain(wanted.text ?? "");
  for (const name of ["status", "code", "detail", "request_id", "job"]) {
    if (!(name in wanted)) continue;
    expect((thrown as unknown as Fields)[FIELDS[name] ?? name]).toEqual(wanted[name] ?? undefined);
  }
}

const SECONDS: Readonly<Record<string, string>> = {
  timeout_seconds: "timeoutMs",
  poll_interval_seconds: "pollIntervalMs",
};
const FIRST = new Set(["skill", "inputs", "job_id", "file"]);

/** A fixture's arguments as JavaScript has them: some by place, the others as options. */
export function given(call: CallCase["call"], collected: number[]): unknown[] {
  const options: Fields = {};
  for (const [name, value] of Object.entries(call.arguments)) {
    if (FIRST.has(name)) continue;
    const isMs = name in SECONDS && call.method !== "submit";
    options[isMs ? (SECONDS[name] as string) : camel(name)] = isMs ? Number(value) * 1000 : value;
  }
  if (options["onEvent"]) {
    options["onEvent"] = (event: puras.JobEvent) => void collected.push(event.id);
  }
  const { skill, inputs, job_id, file } = call.arguments;
  if (skill !== undefined) return [skill, inputs, options];
  return [file === undefined ? job_id : fileOf(file as { name: string; text: string }), options];
}

export function camelKeys(fields: Fields): Fields {
  const known = Object.entries(fields).filter(([, value]) => value !== null);
  return Object.fromEntries(known.map(([name, value]) => [camel(name), value]));
}

function camel(name: string): string {
  return name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}

function fileOf({ name, text }: { name: string; text: string }): File {
  return new File([text], name, { type: "text/plain" });
}

/** Plays one case of `faults/streams.json`; `cut` stands in for its `every`. */
export class FaultyLine {
  readonly connections: Connection[];
  readonly pages: (number[] | string)[];
  private readonly stream: string;

  constructor(
    { connections, pages = [], stream }: FaultCase,
    private readonly cut?: number,
  ) {
    this.connections = [...connections];
    this.pages = [...pages];
    this.stream = readText(`streams/${stream}.sse`);
  }

  readonly play = (seen: Seen): Scripted => {
    if (seen.path !== `/v1/jobs/${JOB_ID}/stream`) return this.poll(seen);
    const told = this.connections.shift();
    if (!told) throw new Error("one connection too many");
    return told.status === undefined ? this.open(seen, told) : scripted(told as Response);
  };

  private open({ query, headers }: Seen, told: Connection): Scripted {
    const after = Number(query["after"] ?? 0);
    expect(Number(headers["last-event-id"] ?? 0)).toBe(after);
    const blocks = this.stream.match(/.*?\n\n/gs) ?? [];
    const left = blocks.filter((block) => idOf(block) > after - (told.repeat ?? 0));
    const cut = told.cut === "every" ? this.cut : told.cut;
    return {
      status: 200,
      headers: { "Content-Type": "text/event-stream" },
      body: Buffer.from(left.join("")).subarray(0, cut),
      end: told.end ?? "whole",
    };
  }

  private poll({ path }: Seen): Scripted {
    const page = this.pages.shift();
    if (page === undefined) throw new Error("one page too many");
    if (typeof page === "string") {
      expect(path).toBe(`/v1/jobs/${JOB_ID}`);
      return json({ id: JOB_ID, status: page });
    }
    expect(path).toBe(`/v1/jobs/${JOB_ID}/events`);
    const lines = this.stream.split("\n").filter((line) => /^data: .*"id"/s.test(line));
    const events = lines.map((line) => JSON.parse(line.slice("data: ".length)));
    return json(events.filter(({ id }) => page.includes(id)));
  }
}

function idOf(block: string): number {
  return Number(/^id: (\d+)$/m.exec(block)?.[1] ?? 99);
}

function json(value: unknown): Scripted {
  return scripted({ status: 200, json: value });
}
