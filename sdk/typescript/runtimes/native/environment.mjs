/**
 * Makes a page what React Native is to the SDK: a fetch that gives no body to read, signals without
 * a reason, and neither streams, nor text decoders, nor `crypto`.
 *
 * These are the packages that React Native itself installs as its globals.
 */
import { AbortController, AbortSignal } from "abort-controller/dist/abort-controller";
import { fetch, Headers, Request, Response } from "whatwg-fetch";

const given = { fetch, Headers, Request, Response, AbortController, AbortSignal };
const missing = { ReadableStream: undefined, TextDecoder: undefined, crypto: undefined };

for (const [name, value] of Object.entries({ ...given, ...missing })) {
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
}
