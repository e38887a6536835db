/** From what was chosen to what is uploaded: folders, zips, lone skills, limits. */
import { strFromU8, strToU8, unzipSync, zipSync } from "fflate";
import { describe, expect, test } from "vitest";
import { bundleOf } from "../../../src/deploy/bundle/bundle";
import { scalars, slugOf } from "../../../src/deploy/bundle/layout";
import { MAX_BUNDLE_FILES, MAX_UNPACKED_BYTES } from "../../../src/deploy/bundle/limits";
import { readFiles } from "../../../src/deploy/bundle/reading";
import type { Source, SourceFile } from "../../../src/deploy/bundle/source";
import { listZip } from "../../../src/deploy/bundle/zip-listing";

const SKILL = "description: Greets.\n";

describe("a folder", () => {
  test("is packed without what stays out, and says what that is", async () => {
    const source = await readFiles([
      picked("pack/hello/skill.yaml", SKILL),
      picked("pack/hello/notes.txt", "x"),
      picked("pack/node_modules/a/b.js", "x"),
      picked("pack/.env", "TOKEN=1"),
      picked("pack/.purasignore", "notes.txt\n"),
    ]);
    expect(source.leftOut).toEqual(["hello/notes.txt", "node_modules/", ".env", ".purasignore"]);
    expect(await contentOf(source)).toEqual({ "hello/skill.yaml": SKILL });
  });

  test("that is one skill itself becomes a bundle of that skill, named by the folder", async () => {
    const source = await readFiles([
      picked("hello/skill.yaml", SKILL),
      picked("hello/main.py", "x"),
      picked("hello/puras.yaml", "slug: greetings # of ours\n"),
    ]);
    expect(Object.keys(await contentOf(source))).toEqual([
      "hello/main.py",
      "hello/skill.yaml",
      "puras.yaml",
    ]);
    expect((await bundleOf(source)).settings).toEqual({ slug: "greetings" });
  });

  test("with a SKILL.md alone is named by its front matter", async () => {
    const source = await readFiles([picked("x/SKILL.md", "---\nname: reviewer\n---\nReview.\n")]);
    expect(Object.keys(await contentOf(source))).toEqual(["reviewer/SKILL.md"]);
  });

  test("with a SKILL.md beside other skills is a bundle already", async () => {
    const source = await readFiles([
      picked("x/SKILL.md", "---\nname: x\n---\n"),
      picked("x/inner/skill.yaml", SKILL),
    ]);
    expect(Object.keys(await contentOf(source))).toEqual(["SKILL.md", "inner/skill.yaml"]);
  });

  test("gives the same bytes each time, whatever the order", async () => {
    const files = [picked("p/a/skill.yaml", SKILL), picked("p/b/skill.yaml", SKILL)];
    const [one, other] = [files, [...files].reverse()].map(
      async (each) =>
        new Uint8Array(await (await bundleOf(await readFiles(each))).archive.arrayBuffer()),
    );
    expect(await one).toEqual(await other);
  });

  test("keeps scripts executable", async () => {
    const source = await readFiles([
      picked("p/a/skill.yaml", SKILL),
      picked("p/a/run.sh", "#!/bin/sh\n"),
    ]);
    const archive = (await bundleOf(source)).archive;
    const modes = listZip(new Uint8Array(await archive.arrayBuffer())).map(({ name, mode }) => [
      name,
      mode & 0o777,
    ]);
    expect(modes).toEqual([
      ["a/run.sh", 0o755],
      ["a/skill.yaml", 0o644],
    ]);
  });
});

describe("a zip", () => {
  test("loses what stays out, and the folder around all", async () => {
    const source = await readFiles([
      zip({
        "pack/hello/skill.yaml": SKILL,
        "pack/hello/__pycache__/a.pyc": "x",
        "__MACOSX/pack/._hello": "x",
      }),
    ]);
    expect(source.name).toBe("pack");
    expect(source.leftOut).toEqual(["hello/__pycache__/"]);
    expect(await contentOf(source)).toEqual({ "hello/skill.yaml": SKILL });
  });

  test("of one skill is a bundle of that skill, with the folder that it was in", async () => {
    const source = await readFiles([zip({ "hello/skill.yaml": SKILL })]);
    expect(await contentOf(source)).toEqual({ "hello/skill.yaml": SKILL });
  });

  test("of a skill without a folder is named by the zip", async () => {
    const source = await readFiles([zip({ "skill.yaml": SKILL }, "greeter.zip")]);
    expect(await contentOf(source)).toEqual({ "greeter/skill.yaml": SKILL });
  });

  test("keeps its modes, and is refused with a symlink in it", async () => {
    const run = new File(
      [zipSync({ "a/run": [strToU8("binary"), { os: 3, attrs: 0o100755 << 16 }] })],
      "a.zip",
    );
    expect((await readFiles([run])).files[0]?.isExecutable).toBe(true);
    const link = new File(
      [zipSync({ "a/link": [strToU8("/etc/passwd"), { os: 3, attrs: 0o120777 << 16 }] })],
      "a.zip",
    );
    await expect(readFiles([link])).rejects.toThrow("a/link is a symlink");
  });

  test.each(["", "not a zip", "PK\u0003\u0004 cut off"])(
    "is refused where it is none: %j",
    (text) => expect(readFiles([new File([text], "a.zip")])).rejects.toThrow("is no zip file"),
  );
});

describe("what is over a limit is told before anything is sent", () => {
  test("nothing at all", () => expect(bundleOf(sourceOf([]))).rejects.toThrow("nothing to deploy"));

  test("too many files", () => {
    const files = Array.from({ length: MAX_BUNDLE_FILES + 1 }, (_, at) => sized(`a/${at}`, 1));
    return expect(bundleOf(sourceOf(files))).rejects.toThrow("more than 20,000 files");
  });

  test("too many bytes, with the file that has most of them", () => {
    const files = [sized("a/small", 1), sized("a/model.bin", MAX_UNPACKED_BYTES)];
    return expect(bundleOf(sourceOf(files))).rejects.toThrow("the largest is a/model.bin");
  });

  test("an archive that is too large, without packing all of it", async () => {
    const noise = crypto.getRandomValues(new Uint8Array(65_536));
    let read = 0;
    const files = Array.from({ length: 20 }, (_, at) => ({
      ...sized(`a/${at}`, noise.length),
      read: async () => {
        read += 1;
        return new Blob([noise]);
      },
    }));
    const packing = bundleOf(sourceOf(files), { limitBytes: 5 * noise.length });
    await expect(packing).rejects.toThrow("The archive has over 320.0 KiB");
    expect(read).toBeLessThan(8);
  });
});

test("a name makes a slug as the CLI makes one", () => {
  expect(slugOf("My Skills (v2)")).toBe("my-skills-v2");
  expect(slugOf("_Ünïcode_")).toBe("n-code");
  expect(slugOf("!!!")).toBe("");
});

test("of a YAML text the plain scalars at the top are read", () => {
  expect(scalars("slug: 'a'\ntitle: A title # why\n  slug: nested\nlist:\n")).toEqual({
    slug: "a",
    title: "A title",
  });
});

function picked(path: string, text: string): File {
  const file = new File([text], path.split("/").at(-1) ?? "");
  Object.defineProperty(file, "webkitRelativePath", { value: path });
  return file;
}

function zip(files: Record<string, string>, name = "upload.zip"): File {
  const entries = Object.entries(files).map(([path, text]) => [path, strToU8(text)]);
  return new File([zipSync(Object.fromEntries(entries))], name);
}

function sized(path: string, sizeBytes: number): SourceFile {
  return { path, sizeBytes, read: async () => new Blob(["x"]) };
}

function sourceOf(files: readonly SourceFile[]): Source {
  return { name: "pack", files, leftOut: [] };
}

async function contentOf(source: Source): Promise<Record<string, string>> {
  const { archive } = await bundleOf(source);
  const files = unzipSync(new Uint8Array(await archive.arrayBuffer()));
  return Object.fromEntries(Object.entries(files).map(([path, data]) => [path, strFromU8(data)]));
}
