/**
 * A job as a fixture: what was asked, what came of it, every event between. Pure.
 *
 * Signed addresses are keys to files for whoever has them, so each is replaced by its file's path.
 */
import type { JobEvent } from "puras";
import type { Job } from "wire";
import { mapStrings } from "./files";
import { skillOf } from "./job-words";

export interface Fixture {
  readonly request: {
    readonly skill: string;
    readonly version: number;
    readonly inputs: Readonly<Record<string, unknown>>;
  };
  readonly outcome: Pick<Job, "status" | "result" | "error" | "error_code" | "cost_micros">;
  readonly events: readonly JobEvent[];
}

export function fixtureOf(job: Job, events: readonly JobEvent[]): Fixture {
  const { status, result, error, error_code, cost_micros } = job;
  const fixture: Fixture = {
    request: { skill: skillOf(job), version: job.version, inputs: job.inputs },
    outcome: { status, result, error, error_code, cost_micros },
    events,
  };
  const paths = new Map(job.outputs.map(({ url, drive_path }) => [url, drive_path]));
  return mapStrings(fixture, (text) => paths.get(text) ?? unsigned(text)) as Fixture;
}

/** `…/v1/files/<signature>` opens a file without a key. */
function unsigned(text: string): string {
  return text.replace(/(\/v1\/files\/)[^\s"']+/g, "$1signed");
}
