/** A source made ready to be uploaded: checked against the limits, laid out, and packed. */
import { type ArchiveOptions, archiveOf } from "./archive";
import { asBundle, type PackSettings, readSettings } from "./layout";
import { checkFiles } from "./limits";
import type { Source, SourceFile } from "./source";

export interface Bundle {
  readonly name: string;
  readonly settings: PackSettings;
  /** As they lie in the archive. */
  readonly files: readonly SourceFile[];
  readonly leftOut: readonly string[];
  readonly unpackedBytes: number;
  readonly archive: Blob;
}

/** @throws BundleRefused where it has nothing, or more than a bundle may have. */
export async function bundleOf(source: Source, options: ArchiveOptions = {}): Promise<Bundle> {
  checkFiles(source.files);
  const files = await asBundle(source.files, source.name);
  return {
    name: source.name,
    settings: await readSettings(source.files),
    files,
    leftOut: source.leftOut,
    unpackedBytes: files.reduce((sum, file) => sum + file.sizeBytes, 0),
    archive: await archiveOf(files, options),
  };
}
