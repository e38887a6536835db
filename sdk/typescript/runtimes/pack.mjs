/**
 * Builds the SDK, packs it as for the registry, and installs the tarball here: it has no
 * dependencies, so to unpack it is all, and npm need not ask for the packages of anybody else.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
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
  const installed = join(here, "node_modules", "puras");
  rmSync(installed, { recursive: true, force: true });
  mkdirSync(installed);
  execFileSync("tar", ["-xzf", join(folder, tarball), "-C", installed, "--strip-components=1"]);
} finally {
  rmSync(folder, { recursive: true });
}
