/** One page, built by each bundler; each build is a folder with an `index.html`. */
import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import * as esbuild from "esbuild";
import { build as buildWithVite } from "vite";
import webpack from "webpack";
import { WORK } from "./server";

const PAGE = join(import.meta.dirname, "../page");
const ENTRY = join(PAGE, "main.mjs");

/** Bundle one entry with esbuild, for a browser; React in its development build. */
export async function bundle(entry: string, outfile: string): Promise<void> {
  await esbuild.build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    format: "esm",
    jsx: "automatic",
    define: { "process.env.NODE_ENV": '"development"' },
    logLevel: "warning",
  });
}

export async function withEsbuild(): Promise<string> {
  const folder = pageFolder("esbuild");
  await bundle(ENTRY, join(folder, "main.mjs"));
  return folder;
}

export async function withVite(): Promise<string> {
  const outDir = join(WORK, "vite");
  await buildWithVite({
    root: PAGE,
    configFile: false,
    logLevel: "warn",
    build: { outDir, emptyOutDir: true },
  });
  return outDir;
}

export async function withWebpack(): Promise<string> {
  const path = pageFolder("webpack");
  const compiler = webpack({
    mode: "production",
    entry: ENTRY,
    output: { path, filename: "main.mjs" },
  });
  await new Promise<void>((resolve, reject) => {
    compiler?.run((error, stats) => {
      if (error || stats?.hasErrors()) reject(error ?? new Error(stats?.toString("errors-only")));
      else compiler.close(() => resolve());
    });
  });
  return path;
}

/** A folder with the page's HTML, for a bundler that leaves that to others. */
function pageFolder(name: string): string {
  const folder = join(WORK, name);
  mkdirSync(folder, { recursive: true });
  copyFileSync(join(PAGE, "index.html"), join(folder, "index.html"));
  return folder;
}
