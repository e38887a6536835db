/** A page that has the SDK; the tests call it from outside. */
import * as sdk from "puras";
import { tour } from "../programs/tour.mjs";

/** @typedef {{ apiKey: string, apiBase: string, jobId: string }} Target */

const page = {
  /** @param {{ apiKey: string, apiBase: string }} settings */
  tour: (settings) => tour(sdk, settings),

  /**
   * Read a job's events to their end; `transport` and more as `events` takes them.
   *
   * @param {Target & import("puras").EventsOptions} target
   */
  async events({ apiKey, apiBase, jobId, ...options }) {
    const seen = [];
    for await (const event of new sdk.Puras({ apiKey, apiBase }).events(jobId, options)) {
      seen.push(event.id);
    }
    return seen;
  },

  /**
   * Read one event, then leave the loop in the way that is named.
   *
   * @param {Target & { how: "break" | "return" | "abort" }} target
   */
  async leave({ apiKey, apiBase, jobId, how }) {
    const leaving = new AbortController();
    const options = how === "abort" ? { signal: leaving.signal } : {};
    const events = new sdk.Puras({ apiKey, apiBase }).events(jobId, options);
    for await (const _ of events) {
      if (how === "break") break;
      else if (how === "abort") leaving.abort();
      else await events.return();
    }
  },

  /**
   * Submit, and tell the error where that is refused.
   *
   * @param {{ apiKey: string, apiBase: string }} settings
   */
  async refusal({ apiKey, apiBase }) {
    try {
      const puras = new sdk.Puras({ apiKey, apiBase, maxRetries: 0 });
      await puras.submit("runtimes/noop", { word: "please" });
    } catch (error) {
      const { name, status, code, requestId, detail } =
        /** @type {import("puras").PurasAPIError} */ (error);
      return { name, status, code, detail, isTraced: !!requestId };
    }
    return undefined;
  },

  /** @param {string[]} keys Make a client with each. */
  clients(keys) {
    for (const apiKey of keys) new sdk.Puras({ apiKey });
  },
};

Object.assign(globalThis, { page });

/** @typedef {typeof page} Page */
