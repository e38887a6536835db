/** Copies of the examples, which may be installed and built without a trace in the checkout. */
import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { WORK } from "./server";

const ROOT = join(import.meta.dirname, "..");
const EXAMPLES = join(ROOT, "../../../examples");
/** The SDK as it was packed. */
const SDK = join(ROOT, "node_modules/puras");

/** Copy an example to a place from which `../../sdk/typescript` is the SDK, as in a checkout. */
export function copyOf(example: string, checkout = join(WORK, "checkout")): string {
  const folder = join(checkout, "examples", example);
  cpSync(join(EXAMPLES, example), folder, {
    recursive: true,
    filter: (path) => !/node_modules|dist$|package-lock\.json$/.test(path.slice(EXAMPLES.length)),
  });
  const link = join(checkout, "sdk/typescript");
  mkdirSync(join(link, ".."), { recursive: true });
  if (!existsSync(link)) symlinkSync(SDK, link);
  return folder;
}

/** Run npm there, as its README says, with these variables; it needs no network. */
export async function npm(
  folder: string,
  words: readonly string[],
  variables: Record<string, string> = {},
): Promise<string> {
  const env = { ...process.env, npm_config_offline: "true", ...variables };
  const { stdout } = await promisify(execFile)("npm", words, { cwd: folder, env });
  return stdout;
}
