/**
 * The API, with the token of whoever is signed in: the SDK's client, and `call` for the rest.
 *
 * The token changes every quarter of an hour while streams and waits go on, so it is put on each
 * request as it leaves, not on the client.
 */
import { Puras } from "puras";
import { Session } from "../session/session";
import { refusalOf } from "./refusal";

export const session = new Session();

/** `fetch` with the token; without one where nobody is signed in. */
export const authorised: typeof fetch = async (input, init = {}) => {
  const token = await session.token();
  const headers = new Headers(init.headers);
  if (token) headers.set("Authorization", `Bearer ${token}`);
  else headers.delete("Authorization");
  const response = await fetch(input, { ...init, headers, credentials: "omit" });
  if (response.status === 401 && token) await session.doubt(token);
  return response;
};

/** The SDK's client. Its key is never sent: `authorised` sets another one, or none. */
export const puras = new Puras({
  apiKey: "of-the-session",
  apiBase: location.origin,
  fetch: authorised,
});

export interface CallOptions {
  readonly method?: "GET" | "POST" | "PATCH" | "DELETE" | "PUT";
  /** Sent as JSON, but for a `Blob` or a `FormData`, which go as they are. */
  readonly body?: unknown;
  /** What is undefined is left out. */
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Call the API and return the body of its answer.
 *
 * @throws PurasAPIError where it was refused, TypeError where no answer came.
 */
export async function call<Answer>(path: string, options: CallOptions = {}): Promise<Answer> {
  const response = await respond(path, options);
  const text = await response.text();
  return (text ? JSON.parse(text) : undefined) as Answer;
}

export interface PageOf<Item> {
  readonly items: Item[];
  /** The path that gives the next page, if there is one. */
  readonly next: string | undefined;
}

/** Call a list; `next` of its answer is the path of the following page. */
export async function callPage<Item>(
  path: string,
  options: CallOptions = {},
): Promise<PageOf<Item>> {
  const response = await respond(path, options);
  const items = (await response.json()) as Item[];
  return { items, next: nextOf(response.headers.get("link")) };
}

async function respond(path: string, options: CallOptions): Promise<Response> {
  const { method = "GET", body, query = {}, signal } = options;
  const url = new URL(path, location.origin);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== "") url.searchParams.set(name, String(value));
  }
  const isRaw = body instanceof Blob || body instanceof FormData;
  const response = await authorised(url, {
    method,
    body: body === undefined ? null : isRaw ? body : JSON.stringify(body),
    headers: body === undefined || isRaw ? {} : { "Content-Type": "application/json" },
    signal: signal ?? null,
  });
  if (!response.ok) throw refusalOf(response, await response.text());
  return response;
}

/** Read the path of `<…>; rel="next"`; the origin is ours, whatever the server calls itself. */
export function nextOf(link: string | null): string | undefined {
  const found = /<([^>]*)>\s*;\s*rel="?next"?/.exec(link ?? "");
  if (!found?.[1]) return undefined;
  const url = new URL(found[1], "http://server");
  return url.pathname + url.search;
}
