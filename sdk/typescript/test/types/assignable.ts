/** Compiled, never run: code that was written for the reference's types compiles with ours. */
import type * as puras from "../../src/index";
import { Client, JobError, Puras, PurasAPIError } from "../../src/index";
import type * as reference from "./reference";

/** A compile error where one of the two can't stand in for the other. */
function same<Ours extends Theirs, Theirs extends Mirror, Mirror = Ours>(): void {}

same<puras.PurasOptions, reference.PurasOptions>();
same<puras.Job, reference.Job>();
same<puras.JobEvent, reference.JobEvent>();
same<puras.SubmitOptions, reference.SubmitOptions>();
same<puras.WaitOptions, reference.WaitOptions>();
same<puras.EventsOptions, reference.EventsOptions>();
same<puras.RunOptions, reference.RunOptions>();
// @ts-expect-error the check itself must see a field of another type …
same<puras.Job, Omit<reference.Job, "id"> & { id: number }>();
// @ts-expect-error … and one that only the reference has.
same<puras.WaitOptions, reference.WaitOptions & { mustBeThere: string }>();

export const client: reference.Client = new Puras({ apiKey: "puras_pub_x" });
export const alias: typeof Puras = Client;
export const refused: reference.ApiError = new PurasAPIError(404, "gone");
export const failed: reference.FailedJob = new JobError({ id: "1", status: "failed" });

/** A result without a type argument is an open record, an unknown field of a job is unknown. */
export async function asTheReferenceSays(given: reference.RunOptions): Promise<string> {
  const result = await client.run("acme/ugc-ads/ugc-ad", { product: "x" }, given);
  const open: Record<string, unknown> = await new Puras().run("acme/ugc-ads/ugc-ad");
  // @ts-expect-error it may be anything.
  const guessed: string = open["video"];
  const job = await new Puras().get("1");
  // @ts-expect-error so may what rides along.
  const steps: number = job["steps"];
  const status: string = job.status === "succeeded" ? "well" : job.status;
  return `${result["video"]} ${guessed} ${steps} ${status}`;
}

interface UgcAd {
  inputs: { product: string; duration?: number };
  result: { video: string };
}

/** With a type argument, inputs are checked and the result is known. */
export async function withATypeArgument(): Promise<string> {
  const { video } = await new Puras().run<UgcAd>("acme/ugc-ads/ugc-ad", { product: "x" });
  // @ts-expect-error the product is missing.
  await new Puras().run<UgcAd>("acme/ugc-ads/ugc-ad", { duration: 15 });
  // @ts-expect-error there is no such input.
  await new Puras().run<UgcAd>("acme/ugc-ads/ugc-ad", { product: "x", length: 15 });
  return video;
}

/** What may be undefined can be passed on as it is. */
export async function passedOn(key: string | undefined, signal?: AbortSignal): Promise<void> {
  const puras = new Puras({ apiKey: key });
  await puras.submit("a/b", {}, { version: undefined, idempotencyKey: key, signal });
  for await (const { type, payload } of puras.events("1", { signal })) {
    const open: string = type;
    // @ts-expect-error there may be none.
    console.log(open, payload.status);
    break;
  }
}

/** What is no option is no option. */
export async function refusedByTheCompiler(puras: Puras): Promise<void> {
  // @ts-expect-error
  await puras.submit("a/b", {}, { timeoutMs: 1 });
  // @ts-expect-error
  puras.events("1", { transport: "websocket" });
  // @ts-expect-error
  await puras.feedback("1", { rating: 5 });
  // @ts-expect-error a name of a file is no file.
  await puras.upload("photo.png");
  // @ts-expect-error the inside is not for callers.
  puras.api;
}
