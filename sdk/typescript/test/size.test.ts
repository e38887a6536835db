/** What a page has to load: the main entry with all that it imports, as a bundler makes it. */
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { rolldown } from "rolldown";
import { expect, test } from "vitest";

const ENTRY = join(__dirname, "../src/index.ts");

/** Gzipped bytes of the entry, and of the chunks that it loads when they are needed. */
async function sizes(): Promise<{ entry: number; later: number }> {
  const bundle = await rolldown({ input: ENTRY, platform: "browser" });
  const { output } = await bundle.generate({ format: "esm", minify: true, codeSplitting: true });
  const chunks = output.filter((file) => file.type === "chunk");
  const isFirst = new Set(chunks.filter(({ isEntry }) => isEntry).flatMap(withImports));
  function withImports(chunk: { fileName: string; imports: string[] }): string[] {
    const imported = chunks.filter(({ fileName }) => chunk.imports.includes(fileName));
    return [chunk.fileName, ...imported.flatMap(withImports)];
  }
  const size = (wanted: boolean) =>
    gzipSync(
      chunks
        .filter(({ fileName }) => isFirst.has(fileName) === wanted)
        .map(({ code }) => code)
        .join("\n"),
      { level: 9 },
    ).length;
  return { entry: size(true), later: size(false) };
}

test("the main entry is under 4 kB gzipped, and live events add less than 2", async () => {
  const { entry, later } = await sizes();
  expect(entry).toBeLessThan(4096);
  expect(later).toBeGreaterThan(500);
  expect(later).toBeLessThan(2048);
});
