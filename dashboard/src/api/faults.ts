/** What a refusal says of single fields, to be shown beside them. Pure. */
import { PurasAPIError } from "puras";
import type { Fault } from "wire";
import { told } from "./refusal";

/** What is wrong with the field at `path` (`$.name`), or with something inside of it. */
export function faultAt(error: unknown, path: string): string | undefined {
  const found = faultsOf(error).find((fault) => isInside(fault.path, path));
  return found?.message;
}

/** What to tell of an error beside what is told at the fields; undefined where that is all. */
export function restOf(error: unknown, fields: readonly string[]): string | undefined {
  if (!error) return undefined;
  const faults = faultsOf(error);
  if (faults.length === 0) return told(error);
  const rest = faults.filter(({ path }) => !fields.some((field) => isInside(path, field)));
  if (rest.length === 0) return undefined;
  return rest.map(({ path, message }) => `${path} ${message}`).join("; ");
}

function faultsOf(error: unknown): readonly Fault[] {
  return error instanceof PurasAPIError ? (error.errors as readonly Fault[]) : [];
}

function isInside(path: string, field: string): boolean {
  return path === field || path.startsWith(`${field}[`) || path.startsWith(`${field}.`);
}
