/** One page, built by each bundler; each build is a folder with an `index.html`. */
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as esbuild from "esbuild";
import { build as buildWithVite } from "vite";
import webpack from "webpack";
import { WORK } from "./server";

const PAGE = join(import.meta.dirname, "../page");
const ENTRY = join(PAGE, "main.mjs");

/** Bundle one entry with esbuild; React in its development build. */
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

/** Build the page, or another one, with esbuild. */
export async function withEsbuild(entry = ENTRY): Promise<string> {
  const folder = pageFolder("esbuild");
  await bundle(entry, join(folder, "main.mjs"));
  return folder;
}

export async function withVite(): Promise<string> {
  const outDir = workFolder("vite");
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

/** A folder with the page's HTML, for what leaves that to others. */
export function pageFolder(name: string, { isModule = true } = {}): string {
  const folder = workFolder(name);
  const html = readFileSync(join(PAGE, "index.html"), "utf8");
  const own = isModule
    ? html
    : html.replace('type="module" src="./main.mjs"', 'defer src="./main.js"');
  writeFileSync(join(folder, "index.html"), own);
  return folder;
}

/** A folder that no other test file has. */
export function workFolder(name: string): string {
  return mkdtempSync(join(WORK, `${name}-`));
}
