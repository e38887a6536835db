/** Faults of a bundle by their file, each with the lines of the file that it is about. Pure. */
import type { Fault } from "wire";
import type { Line } from "../skillpacks/diff";

export interface FileFaults {
  /** The file; empty for what is wrong with the whole. */
  readonly file: string;
  readonly faults: readonly Fault[];
}

const AROUND = 1;

export function byFile(faults: readonly Fault[]): readonly FileFaults[] {
  const files = new Set(faults.map(fileOf));
  return [...files].map((file) => ({
    file,
    faults: faults.filter((fault) => fileOf(fault) === file),
  }));
}

function fileOf({ file = "" }: Fault): string {
  return file === "." ? "" : file;
}

/** Where in its file a fault is; undefined for the file as a whole. */
export function placeOf({ path }: Fault): string | undefined {
  return path === "$" || path === "" ? undefined : path.replace(/^\$\./, "");
}

/** The line that a fault names, if it names one. */
export function lineOf({ path }: Fault): number | undefined {
  const found = /^line (\d+)$/.exec(path)?.[1];
  return found ? Number(found) : undefined;
}

/** The lines around one of a text. */
export function excerpt(text: string, line: number): readonly Line[] {
  const lines = text.split(/\r\n?|\n/);
  const from = Math.max(0, line - 1 - AROUND);
  return lines.slice(from, line + AROUND).map((one, at) => ({ number: from + at + 1, text: one }));
}
