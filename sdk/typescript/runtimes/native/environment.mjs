/**
 * Makes a page what React Native is to the SDK: a fetch that gives no body to read, signals without
 * a reason, and neither streams, nor text decoders, nor `crypto`, nor, with a Hermes of before 2026,
 * `Symbol.asyncIterator`.
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

// It can't be taken off the real `Symbol`: another one has all but that.
const { asyncIterator, prototype, ...symbols } = Object.getOwnPropertyDescriptors(Symbol);
const make = Symbol;
globalThis.Symbol = Object.defineProperties((name) => make(name), symbols);
