/** What a bundle may have at most, as the server counts. A test compares the numbers. */
import { bytes } from "../../ui/figures";
import { IGNORE_FILE } from "./left-out";

export const MAX_BUNDLE_BYTES = 50 * 1024 * 1024;
export const MAX_UNPACKED_BYTES = 500 * 1024 * 1024;
export const MAX_BUNDLE_FILES = 20_000;

/** A folder or an archive that can't be deployed; the message says why, and what to do. */
export class BundleRefused extends Error {
  override readonly name = "BundleRefused";
}

export interface Sized {
  readonly path: string;
  readonly sizeBytes: number;
}

/** @throws BundleRefused where there is nothing, or more than a bundle may have. */
export function checkFiles(files: readonly Sized[]): void {
  if (files.length === 0) {
    throw new BundleRefused("There is nothing to deploy: the folder is empty, or all is left out.");
  }
  checkCount(files.length);
  const total = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  if (total > MAX_UNPACKED_BYTES) {
    throw new BundleRefused(
      `The files have ${bytes(total)}, and a bundle may have ${bytes(MAX_UNPACKED_BYTES)}: ${largest(files)}`,
    );
  }
}

/** @throws BundleRefused where there are too many files; may be asked before all are known. */
export function checkCount(files: number): void {
  if (files <= MAX_BUNDLE_FILES) return;
  throw new BundleRefused(
    `There are more than ${MAX_BUNDLE_FILES.toLocaleString("en")} files, which is what a bundle holds: name what to leave out in ${IGNORE_FILE}.`,
  );
}

/** @throws BundleRefused where the archive is larger than it may be. */
export function checkArchive(
  sizeBytes: number,
  { files, limitBytes }: { files: readonly Sized[]; limitBytes: number },
): void {
  if (sizeBytes <= limitBytes) return;
  throw new BundleRefused(
    `The archive has over ${bytes(limitBytes)}, and a bundle may not have more: ${largest(files)}`,
  );
}

function largest(files: readonly Sized[]): string {
  const [first, ...rest] = files;
  const found = rest.reduce(
    (most, file) => (file.sizeBytes > most.sizeBytes ? file : most),
    first!,
  );
  return `the largest is ${found.path} with ${bytes(found.sizeBytes)}. Name what to leave out in ${IGNORE_FILE}.`;
}
