/** The list at the end of a zip: what its entries are called, how large they are, their modes. */
import { BundleRefused } from "./limits";

export interface ZipEntry {
  readonly name: string;
  readonly sizeBytes: number;
  /** The mode of Unix, 0 where the archive was made without. */
  readonly mode: number;
  readonly isFolder: boolean;
}

const END = 0x06054b50;
const ENTRY = 0x02014b50;
const END_BYTES = 22;
const ENTRY_BYTES = 46;
const MOST_COMMENT_BYTES = 0xffff;

/** @throws BundleRefused where it is no zip, or one with more than four gigabytes. */
export function listZip(data: Uint8Array<ArrayBuffer>): ZipEntry[] {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  try {
    return [...entriesOf(view, data)];
  } catch (error) {
    if (error instanceof RangeError) throw damaged();
    throw error;
  }
}

function* entriesOf(view: DataView, data: Uint8Array<ArrayBuffer>): Generator<ZipEntry> {
  const end = endOf(view);
  const count = view.getUint16(end + 10, true);
  let at = view.getUint32(end + 16, true);
  if (count === 0xffff || at === 0xffffffff) {
    throw new BundleRefused(
      "The archive is a large one, of a kind that is not taken: drop the folder.",
    );
  }
  for (let index = 0; index < count; index += 1) {
    if (view.getUint32(at, true) !== ENTRY) throw damaged();
    const nameBytes = view.getUint16(at + 28, true);
    const name = nameOf(data.subarray(at + ENTRY_BYTES, at + ENTRY_BYTES + nameBytes));
    yield {
      name,
      sizeBytes: view.getUint32(at + 24, true),
      mode: view.getUint32(at + 38, true) >>> 16,
      isFolder: name.endsWith("/"),
    };
    at += ENTRY_BYTES + nameBytes + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
}

function endOf(view: DataView): number {
  const first = Math.max(0, view.byteLength - END_BYTES - MOST_COMMENT_BYTES);
  for (let at = view.byteLength - END_BYTES; at >= first; at -= 1) {
    if (view.getUint32(at, true) === END) return at;
  }
  throw damaged();
}

function nameOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new BundleRefused("A name in the archive is not UTF-8: drop the folder instead.");
  }
}

function damaged(): BundleRefused {
  return new BundleRefused("This is no zip file, or it is damaged: drop a folder or another zip.");
}
