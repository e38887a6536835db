/** What the files of a folder say of themselves: whether it is one skill, and where it belongs. */
import type { SourceFile } from "./source";

/** `puras.yaml`, which the CLI writes beside the skills. */
export const PACK_FILE = "puras.yaml";
const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
const SKILL_FILES = ["skill.yaml", "SKILL.md"];

/** What a bundle says about the skillpack that it belongs to. */
export interface PackSettings {
  readonly skillpackId?: string;
  readonly slug?: string;
  readonly title?: string;
  readonly description?: string;
}

/**
 * Put a folder that is itself one skill into a folder of its name, as a bundle has to be; leave
 * any other as it is.
 */
export async function asBundle(
  files: readonly SourceFile[],
  folderName: string,
): Promise<readonly SourceFile[]> {
  const name = await loneSkill(files, folderName);
  if (name === undefined) return files;
  return files.map((file) =>
    file.path === PACK_FILE ? file : { ...file, path: `${name}/${file.path}` },
  );
}

export async function readSettings(files: readonly SourceFile[]): Promise<PackSettings> {
  const file = files.find(({ path }) => path === PACK_FILE);
  const found = file ? scalars(await (await file.read()).text()) : {};
  return {
    ...(found["skillpack_id"] && { skillpackId: found["skillpack_id"] }),
    ...(found["slug"] && { slug: found["slug"] }),
    ...(found["title"] && { title: found["title"] }),
    ...(found["description"] && { description: found["description"] }),
  };
}

/** Make a slug of a name: what the server takes as one, and the CLI makes of a folder's name. */
export function slugOf(name: string): string {
  const slug = name.toLowerCase().replace(/[^a-z0-9_-]+/g, "-");
  return slug.replace(/^[-_]+|[-_]+$/g, "").slice(0, 64);
}

/**
 * The scalars at the top of a YAML text, of which these few lines are enough: the server reads the
 * whole, and says what is wrong with it.
 */
export function scalars(text: string): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const line of text.replace(/^\uFEFF/, "").split(/\r\n?|\n/)) {
    const match = /^([a-z_]+):[ \t]+(.+?)[ \t]*$/.exec(line);
    if (match?.[1] && match[2]) found[match[1]] = unquoted(match[2]);
  }
  return found;
}

function unquoted(value: string): string {
  const quoted = /^(["'])(.*)\1(?:\s+#.*)?$/.exec(value);
  return quoted?.[2] ?? value.replace(/\s+#.*$/, "");
}

async function loneSkill(
  files: readonly SourceFile[],
  folderName: string,
): Promise<string | undefined> {
  const paths = new Set(files.map(({ path }) => path));
  if (paths.has("skill.yaml")) return NAME.test(folderName) ? folderName : undefined;
  const card = files.find(({ path }) => path === "SKILL.md");
  if (!card || files.some(({ path }) => isSkillOf(path))) return undefined;
  const front = /^\uFEFF?---\r?\n([\s\S]*?)\n---/.exec(await (await card.read()).text())?.[1] ?? "";
  const name = scalars(front)["name"] ?? folderName;
  return NAME.test(name) ? name : undefined;
}

function isSkillOf(path: string): boolean {
  const [folder = "", file = "", ...deeper] = path.split("/");
  return deeper.length === 0 && !folder.startsWith(".") && SKILL_FILES.includes(file);
}
