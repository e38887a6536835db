/** Reads what somebody chose: a folder or a zip that was dropped, or picked with a button. */
import { IGNORE_FILE, type LeavesOut, parseIgnore } from "./left-out";
import { BundleRefused, checkCount } from "./limits";
import { type Source, type SourceFile, withoutLeftOut } from "./source";
import { readZip } from "./zip-source";

/** What a drop had; has to be taken while the event is handled, for it is empty afterwards. */
export function takeEntries(transfer: DataTransfer): FileSystemEntry[] {
  const items = [...transfer.items].filter((item) => item.kind === "file");
  return items.flatMap((item) => item.webkitGetAsEntry() ?? []);
}

/** @throws BundleRefused where it can't be deployed. */
export async function readEntries(entries: readonly FileSystemEntry[]): Promise<Source> {
  const [only] = entries;
  if (!only)
    throw new BundleRefused("There was no file in what was dropped: drop a folder or a zip.");
  if (entries.length === 1 && isFile(only)) return readZip(await fileOf(only));
  const isFolder = entries.length === 1 && isDirectory(only);
  const children = isFolder ? await childrenOf(only) : entries;
  const ignore = children.find((entry) => entry.name === IGNORE_FILE && isFile(entry));
  const leavesOut = parseIgnore(
    ignore && isFile(ignore) ? await (await fileOf(ignore)).text() : "",
  );
  const source = { name: isFolder ? only.name : "", files: [], leftOut: [] };
  await walk(children, "", leavesOut, source);
  return source;
}

/** The files of `<input type="file" webkitdirectory>`, or the one zip of a plain one. */
export async function readFiles(files: readonly File[]): Promise<Source> {
  const [only] = files;
  if (!only) throw new BundleRefused("There was no file in the folder: choose another one.");
  if (!only.webkitRelativePath) return readZip(only);
  const name = only.webkitRelativePath.split("/")[0] ?? "";
  const named = files.map((file): SourceFile => {
    const path = file.webkitRelativePath.slice(name.length + 1).normalize("NFC");
    return { path, sizeBytes: file.size, read: async () => file };
  });
  return { name, ...(await withoutLeftOut(named)) };
}

async function walk(
  entries: readonly FileSystemEntry[],
  prefix: string,
  leavesOut: LeavesOut,
  into: { files: SourceFile[]; leftOut: string[] },
): Promise<void> {
  for (const entry of entries) {
    const path = (prefix + entry.name).normalize("NFC");
    if (leavesOut(path, entry.isDirectory)) {
      into.leftOut.push(entry.isDirectory ? `${path}/` : path);
    } else if (isDirectory(entry)) {
      await walk(await childrenOf(entry), `${path}/`, leavesOut, into);
    } else if (isFile(entry)) {
      const file = await fileOf(entry);
      into.files.push({ path, sizeBytes: file.size, read: async () => file });
      checkCount(into.files.length);
    }
  }
}

function isFile(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile;
}

function isDirectory(entry: FileSystemEntry): entry is FileSystemDirectoryEntry {
  return entry.isDirectory;
}

function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => {
    entry.file(resolve, () => reject(new BundleRefused(`${entry.fullPath} could not be read.`)));
  });
}

/** A reader gives a part at a time, and nothing once it has given all. */
async function childrenOf(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const children: FileSystemEntry[] = [];
  for (;;) {
    const part = await new Promise<FileSystemEntry[]>((resolve, reject) => {
      reader.readEntries(resolve, () =>
        reject(new BundleRefused(`The folder ${folder.fullPath} could not be read.`)),
      );
    });
    if (part.length === 0) return children;
    children.push(...part);
  }
}
