/**
 * The line to one server: where it is, as whom, and how often a call is made.
 *
 * A call with an effect carries an Idempotency-Key. Not every server keeps those, and one that does
 * not would do the work twice: so after a failure that may have reached the server, such a call is
 * repeated only if the server is known to keep keys.
 */
import { broken, isObject, parsed, refusal, strange } from "./answer";
import type { Request } from "./core";
import { MissingKeyError, type PurasConnectionError, PurasError } from "./errors";
import { type Line, openLine, sleep, throwIfAborted } from "./line";
import type { PurasOptions } from "./types";

/** How hard the client tries; tests are in more of a hurry. */
export const POLICY = {
  /** The longest wait before the second try; it doubles with each one, up to the longest. */
  backoffMs: 500,
  longestBackoffMs: 8000,
  /** A server that asks for more is left to the caller. */
  longestRetryAfterMs: 60_000,
  /** A stream that is silent for longer counts as broken: the server speaks every 15 seconds. */
  silenceMs: 45_000,
};
/** What a request takes beyond the time that it is held. */
const HOLD_MARGIN_MS = 10_000;
const HEALTH: Request = { path: "/health" };

type Signal = AbortSignal | undefined;
type Fits<Value> = (value: unknown) => value is Value;

export type Api = ReturnType<typeof connect>;

/** @throws MissingKeyError where no key was passed and `PURAS_API_KEY` is not set. */
export function connect(options: PurasOptions) {
  const apiKey = (options.apiKey || variable("PURAS_API_KEY")).trim();
  if (!apiKey) throw new MissingKeyError("no API key: pass { apiKey } or set PURAS_API_KEY");
  const base = options.apiBase || variable("PURAS_API_BASE") || "https://api.puras.co";
  const { timeoutMs = 120_000, maxRetries = 2, fetch } = options;
  let keepsKeys: boolean | undefined;
  // A fetch that was passed is known once it has answered.
  let givesBodies = fetch ? undefined : "body" in (globalThis.Response?.prototype ?? {});
  warnOfSecretKey(apiKey);

  /** Send a request; resolves with an answer of 2xx whose body is still to be read. */
  async function send(request: Request, line: Line): Promise<Response> {
    const { path, query = {}, headers, body, key } = request;
    let url = base.trim().replace(/\/+$/, "") + path;
    for (const [name, to] of Object.entries(query)) {
      if (to !== undefined) url += `${/\?/.test(url) ? "&" : "?"}${name}=${encodeURIComponent(to)}`;
    }
    const response = await (fetch ?? globalThis.fetch)(url, {
      method: body === undefined ? "GET" : "POST",
      headers: {
        Authorization: `Bearer ${apiKey}`,
        ...headers,
        ...(key ? { "Idempotency-Key": key } : {}),
      },
      body: body ?? null,
      signal: line.signal,
    }).catch((cause) => {
      throw broken(url, cause, line.isTimedOut());
    });
    if (response.headers.get("puras-idempotency") === "1") keepsKeys = true;
    givesBodies ??= !!response.body?.getReader;
    if (response.ok) return response;
    throw refusal(response, await read(response, line));
  }

  async function exchange(request: Request, signal: Signal): Promise<string> {
    throwIfAborted(signal);
    const line = openLine(signal);
    try {
      const { holdMs = 0 } = request;
      line.limit(holdMs > 0 ? Math.max(timeoutMs, holdMs + HOLD_MARGIN_MS) : timeoutMs);
      return await read(await send(request, line), line);
    } finally {
      line.close();
      throwIfAborted(signal);
    }
  }

  /** Make a request, and make it again where that may help; resolves with the body. */
  async function persist(request: Request, signal: Signal): Promise<string> {
    let isInDoubt = false;
    for (let attempt = 0; ; attempt++) {
      try {
        return await exchange(request, signal);
      } catch (error) {
        if (!(error instanceof PurasError)) throw error;
        const { pauseMs = Infinity, isReached } = error as PurasConnectionError;
        isInDoubt ||= !!request.key && !!isReached;
        const isWorthIt = pauseMs <= POLICY.longestRetryAfterMs && attempt < maxRetries;
        if (isWorthIt) await sleep(pause(pauseMs, attempt), signal);
        if (isWorthIt && (!isInDoubt || (await areKeysKept(signal)))) continue;
        if (isInDoubt) {
          error.message += `; it may exist all the same: repeat with idempotencyKey "${request.key}"`;
        }
        throw error;
      }
    }
  }

  /** Whether this server keeps Idempotency-Keys; unless it has said so, it is asked once. */
  async function areKeysKept(signal: Signal): Promise<boolean> {
    if (keepsKeys === undefined) {
      try {
        await persist(HEALTH, signal);
        keepsKeys ??= false;
      } catch {
        throwIfAborted(signal);
      }
    }
    return !!keepsKeys;
  }

  async function value<Value>(request: Request, fits: Fits<Value>, signal: Signal): Promise<Value> {
    const text = await persist(request, signal);
    const found = parsed(text);
    if (fits(found)) return found;
    throw strange(request.path, text);
  }

  return {
    send,
    value,
    /** Make a call whose answer is an object. */
    object: <Value>(request: Request, signal?: Signal) =>
      value(request, isObject, signal) as Promise<Value>,
    /** Whether bodies can be read as they come; a fetch that was passed is asked for a short one. */
    async canStream(signal: Signal): Promise<boolean> {
      if (givesBodies === undefined) {
        await persist(HEALTH, signal).catch(() => throwIfAborted(signal));
      }
      return !!givesBodies;
    },
  };
}

/** Full jitter: a random part of a ceiling that doubles with each attempt from 0. */
export function pause(askedMs: number, attempt: number): number {
  const ceiling = Math.min(POLICY.longestBackoffMs, POLICY.backoffMs * 2 ** attempt);
  return Math.max(Math.min(askedMs, POLICY.longestRetryAfterMs), Math.random() * ceiling);
}

async function read(response: Response, line: Line): Promise<string> {
  try {
    return await response.text();
  } catch (cause) {
    throw broken(response.url, cause, line.isTimedOut());
  }
}

/** An environment variable, or nothing where there is no environment, or none that may be read. */
function variable(name: string): string {
  const { process } = globalThis as { process?: { env?: Record<string, string | undefined> } };
  try {
    return process?.env?.[name] || "";
  } catch {
    return ""; // Deno, without leave.
  }
}

let isWarned = false;

function warnOfSecretKey(key: string): void {
  if (isWarned || typeof document === "undefined" || !/^puras_live_/.test(key)) return;
  isWarned = true;
  console.warn("puras: a secret key is in this page: use a puras_pub_ key");
}
