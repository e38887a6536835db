/** Builds the SDK, packs it as for the registry, and installs the tarball here. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const here = import.meta.dirname;
const sdk = join(here, "..");
const folder = mkdtempSync(join(tmpdir(), "puras-pack-"));

/** @type {(cwd: string, ...words: string[]) => string} */
const npm = (cwd, ...words) =>
  execFileSync("npm", ["--silent", ...words], {
    cwd,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });

try {
  npm(sdk, "run", "build");
  const tarball = npm(sdk, "pack", "--pack-destination", folder).trim();
  npm(here, "install", "--no-save", "--offline", "--ignore-scripts", join(folder, tarball));
} finally {
  rmSync(folder, { recursive: true });
}
