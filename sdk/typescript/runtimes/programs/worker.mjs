/** The tour, in an edge function: who asks it passes the settings, there is no environment. */
import * as sdk from "puras";
import { tour } from "./tour.mjs";

export default {
  /** @param {Request} request */
  async fetch(request) {
    const seen = await tour(sdk, await request.json());
    return Response.json(seen);
  },
};
