/** What a React Native app is built with: Metro makes one script, Hermes compiles it. */
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { getDefaultConfig, mergeConfig } from "@react-native/metro-config";
import { runBuild } from "metro";
import { WORK } from "./server";

const ROOT = join(import.meta.dirname, "..");
const HERMES = {
  linux: "linux64-bin/hermesc",
  darwin: "osx-bin/hermesc",
  win32: "win64-bin/hermesc.exe",
}[process.platform as string];

/** Where the app of the example is put. Metro looks at all that is in here, and at `WATCHED`. */
export const PHONE = join(WORK, "phone");
const WATCHED = ["native", "node_modules", "page", "programs"];

interface Bundling {
  readonly out: string;
  /** Begin with React Native's own start, which only a phone can run. Default: true. */
  readonly isForPhone?: boolean;
}

/** Bundle an entry with Metro and the Babel preset of React Native. */
export async function withMetro(
  entry: string,
  { out, isForPhone = true }: Bundling,
): Promise<void> {
  mkdirSync(PHONE, { recursive: true });
  const config = getDefaultConfig(PHONE);
  const start = { getModulesRunBeforeMainModule: () => [], getPolyfills: () => [] };
  const settings = mergeConfig(config, {
    watchFolders: [PHONE, ...WATCHED.map((folder) => join(ROOT, folder))],
    resolver: { sourceExts: [...(config.resolver?.sourceExts ?? []), "mjs"] },
    serializer: isForPhone ? {} : start,
    reporter: { update: () => undefined },
  });
  await runBuild(settings as Parameters<typeof runBuild>[0], {
    entry: join(ROOT, entry),
    out,
    platform: "ios",
    dev: false,
    minify: false, // as for Hermes, which does that itself
  });
}

/** Compile a script to Hermes bytecode. It throws where Hermes finds a fault in it. */
export function compileWithHermes(script: string, out: string): void {
  const hermes = join(createRequire(import.meta.url).resolve("hermes-compiler"), "../hermesc");
  execFileSync(join(hermes, HERMES ?? ""), ["-emit-binary", "-O", "-w", "-out", out, script]);
}
