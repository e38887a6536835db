/**
 * Files to the archive that is uploaded. The same files give the same bytes: they are sorted, and
 * all have one time.
 *
 * It is made without workers, which the page's policy does not allow; a large file is given over
 * in parts, so that the page stays alive.
 */
import { Zip, ZipDeflate } from "fflate";
import { checkArchive, MAX_BUNDLE_BYTES } from "./limits";
import type { SourceFile } from "./source";

const TIME = new Date(1980, 0, 1);
const UNIX = 3;
const REGULAR = 0o100000;
const PART_BYTES = 512 * 1024;
const SHEBANG = [0x23, 0x21];

export interface ArchiveOptions {
  /** Hears how much of the files is packed, from 0 to 1. */
  readonly onProgress?: (fraction: number) => void;
  /** The most that the archive may have. Default: what the server takes. */
  readonly limitBytes?: number;
}

/** @throws BundleRefused as soon as the archive is larger than the server takes. */
export async function archiveOf(
  files: readonly SourceFile[],
  { onProgress, limitBytes = MAX_BUNDLE_BYTES }: ArchiveOptions = {},
): Promise<Blob> {
  const total = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let [written, done] = [0, 0];
  const zip = new Zip((error, part) => {
    if (error) throw error;
    parts.push(part as Uint8Array<ArrayBuffer>);
    written += part.length;
  });
  const sorted = [...files].sort((a, b) => (a.path < b.path ? -1 : 1));
  for (const file of sorted) {
    await add(zip, file, (size) => {
      done += size;
      checkArchive(written, { files, limitBytes });
      onProgress?.(total > 0 ? done / total : 1);
    });
  }
  zip.end();
  checkArchive(written, { files, limitBytes });
  return new Blob(parts, { type: "application/zip" });
}

async function add(zip: Zip, file: SourceFile, onPart: (size: number) => void): Promise<void> {
  const content = await file.read();
  const first = await bytesOf(content.slice(0, PART_BYTES));
  const isExecutable = file.isExecutable ?? SHEBANG.every((byte, at) => first[at] === byte);
  const entry = new ZipDeflate(file.path, { level: 6 });
  Object.assign(entry, {
    mtime: TIME,
    os: UNIX,
    attrs: (REGULAR | (isExecutable ? 0o755 : 0o644)) << 16,
  });
  zip.add(entry);
  for (let at = 0; at < content.size; at += PART_BYTES) {
    entry.push(at === 0 ? first : await bytesOf(content.slice(at, at + PART_BYTES)));
    onPart(Math.min(PART_BYTES, content.size - at));
  }
  entry.push(new Uint8Array(), true);
}

async function bytesOf(blob: Blob): Promise<Uint8Array> {
  return new Uint8Array(await blob.arrayBuffer());
}
