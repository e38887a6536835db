/** A zip as a source: its files, without the folder around all of them. */
import { unzipSync } from "fflate";
import { IGNORE_FILE } from "./left-out";
import { BundleRefused, checkFiles } from "./limits";
import { type Source, type SourceFile, withoutLeftOut } from "./source";
import { listZip, type ZipEntry } from "./zip-listing";

const KIND = 0o170000;
const SYMLINK = 0o120000;
const EXECUTABLE = 0o100;

/** @throws BundleRefused where it is no zip, or has what can't be deployed. */
export async function readZip(file: File): Promise<Source> {
  const data = new Uint8Array(await file.arrayBuffer());
  const entries = listZip(data).filter(({ name, isFolder }) => !isFolder && !isJunk(name));
  checkKinds(entries);
  const wrapper = wrapperOf(entries);
  const files = entries.map((entry): SourceFile => {
    return {
      path: entry.name.slice(wrapper.length).normalize("NFC"),
      sizeBytes: entry.sizeBytes,
      isExecutable: (entry.mode & EXECUTABLE) !== 0,
      read: async () => new Blob([contentOf(entry.name)]),
    };
  });
  let all: Readonly<Record<string, Uint8Array>> | undefined;
  const contentOf = (name: string): Uint8Array<ArrayBuffer> => {
    // The ignore file is read before the sizes of the rest are checked: it comes alone.
    const isIgnore = name === wrapper + IGNORE_FILE;
    if (!isIgnore) all ??= unpacked(data);
    const content = (!isIgnore && all) || unpacked(data, (one) => one === name);
    if (!content[name]) throw unreadable(name);
    return content[name] as Uint8Array<ArrayBuffer>;
  };
  const kept = await withoutLeftOut(files);
  checkFiles(kept.files);
  return { name: wrapper.slice(0, -1) || file.name.replace(/\.zip$/i, ""), ...kept };
}

/** The one folder that all files lie in, with its `/`; empty where there is none. */
export function wrapperOf(entries: readonly { readonly name: string }[]): string {
  const first = entries[0]?.name ?? "";
  const wrapper = first.slice(0, first.indexOf("/") + 1);
  return entries.every(({ name }) => name.startsWith(wrapper)) ? wrapper : "";
}

function checkKinds(entries: readonly ZipEntry[]): void {
  const link = entries.find(({ mode }) => (mode & KIND) === SYMLINK);
  if (link)
    throw new BundleRefused(`${link.name} is a symlink, which can't be deployed: copy the file.`);
}

function isJunk(name: string): boolean {
  return name.startsWith("__MACOSX/") || /(^|\/)\.DS_Store$/.test(name);
}

function unpacked(
  data: Uint8Array<ArrayBuffer>,
  isWanted: (name: string) => boolean = () => true,
): Readonly<Record<string, Uint8Array>> {
  try {
    return unzipSync(data, { filter: ({ name }) => isWanted(name) });
  } catch {
    throw unreadable("A file");
  }
}

function unreadable(what: string): BundleRefused {
  return new BundleRefused(`${what} can't be read from the archive: drop the folder instead.`);
}
