/** What a page has to load: the main entry with all that it imports, as a bundler makes it. */
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { type OutputChunk, rolldown } from "rolldown";
import { expect, test } from "vitest";

const ENTRY = join(__dirname, "../src/index.ts");

/** The chunks of a page that uses the client; one, where the bundler does not split. */
async function bundled(codeSplitting: boolean): Promise<OutputChunk[]> {
  const bundle = await rolldown({ input: ENTRY, platform: "browser" });
  const { output } = await bundle.generate({ format: "esm", minify: true, codeSplitting });
  return output.filter((file) => file.type === "chunk");
}

/** Bytes of chunks as they travel. */
function gzipped(chunks: OutputChunk[]): number {
  return gzipSync(chunks.map(({ code }) => code).join("\n"), { level: 9 }).length;
}

test("the main entry is under 4 kB gzipped, and live events add less than 2", async () => {
  const chunks = await bundled(true);
  const withImports = (chunk: OutputChunk): OutputChunk[] => [
    chunk,
    ...chunks.filter(({ fileName }) => chunk.imports.includes(fileName)).flatMap(withImports),
  ];
  const first = new Set(chunks.filter(({ isEntry }) => isEntry).flatMap(withImports));
  expect(gzipped([...first])).toBeLessThan(4096);
  const later = gzipped(chunks.filter((chunk) => !first.has(chunk)));
  expect(later).toBeGreaterThan(500);
  expect(later).toBeLessThan(2048);
});

test("where a bundler makes one file of all that, it is under 5.5 kB", async () => {
  const chunks = await bundled(false);
  expect(chunks).toHaveLength(1);
  expect(gzipped(chunks)).toBeLessThan(5632);
});
