/** What somebody chose to deploy, as a list of files without those that stay out of a bundle. */
import { IGNORE_FILE, outermostLeftOut, parseIgnore } from "./left-out";

export interface SourceFile {
  /** From the root of the folder, `/`-separated, in NFC. */
  readonly path: string;
  readonly sizeBytes: number;
  /** Undefined where it can't be known: a browser does not tell it of files on disk. */
  readonly isExecutable?: boolean;
  readonly read: () => Promise<Blob>;
}

export interface Source {
  /** The folder's name, or the zip's without its ending. */
  readonly name: string;
  readonly files: readonly SourceFile[];
  /** What stays out, folders as a whole and with a `/` at their end. */
  readonly leftOut: readonly string[];
}

/** Divide files into those that belong into a bundle, and what stays out. */
export async function withoutLeftOut(files: readonly SourceFile[]): Promise<Omit<Source, "name">> {
  const ignore = files.find(({ path }) => path === IGNORE_FILE);
  const leavesOut = parseIgnore(ignore ? await (await ignore.read()).text() : "");
  const leftOut = new Set<string>();
  const kept = files.filter(({ path }) => {
    const out = outermostLeftOut(path, leavesOut);
    if (out !== undefined) leftOut.add(out);
    return out === undefined;
  });
  return { files: kept, leftOut: [...leftOut] };
}
