/**
 * Which files stay out of a bundle: the language of `.purasignore`, as `puras deploy` reads it.
 *
 *     # a comment            *  any characters but /       ?  one character but /
 *     name    at any depth   a/b, /name  from the root     **  any folders
 *     name/   folders only   !name  takes back what an earlier line left out
 *
 * The last line that matches decides. What lies in a folder that is left out is out with it.
 */
export const IGNORE_FILE = ".purasignore";

/** What never belongs into a bundle; a `!` line can take one back. A test compares it. */
export const ALWAYS_LEFT_OUT: readonly string[] = [
  ".git",
  ".hg",
  ".svn",
  ".venv",
  "venv",
  "env",
  "node_modules",
  "__pycache__",
  ".mypy_cache",
  ".pytest_cache",
  ".ruff_cache",
  ".idea",
  ".vscode",
  "dist",
  "build",
  ".next",
  ".DS_Store",
  ".env",
  ".env.*",
  "*.pyc",
  "*.pyo",
  "*.log",
  IGNORE_FILE,
];

/** Tells whether a `/`-separated path stays out; the folders above it are not looked at. */
export type LeavesOut = (path: string, isFolder: boolean) => boolean;

interface Line {
  readonly expression: RegExp;
  readonly leavesOut: boolean;
  readonly foldersOnly: boolean;
}

/** Read a `.purasignore`; what is always left out comes first. */
export function parseIgnore(text: string): LeavesOut {
  const written = text
    .replace(/^\uFEFF/, "")
    .split(/\r\n?|\n/)
    .map((line) => line.trim())
    .filter((line) => line && !line.startsWith("#"));
  const lines = [...ALWAYS_LEFT_OUT, ...written].map(lineOf).reverse();
  return (path, isFolder) => {
    const decides = lines.find(
      (line) => (isFolder || !line.foldersOnly) && line.expression.test(path),
    );
    return decides?.leavesOut ?? false;
  };
}

/**
 * What of a path stays out: the topmost folder above it that does (with a `/` at its end), or the
 * file itself; undefined where it belongs into the bundle.
 */
export function outermostLeftOut(path: string, leavesOut: LeavesOut): string | undefined {
  const segments = path.split("/");
  for (let length = 1; length < segments.length; length += 1) {
    const folder = segments.slice(0, length).join("/");
    if (leavesOut(folder, true)) return `${folder}/`;
  }
  return leavesOut(path, false) ? path : undefined;
}

function lineOf(pattern: string): Line {
  const body = pattern.replace(/^!/, "").replace(/^\\/, "");
  return {
    expression: expressionOf(body.replace(/\/+$/, "")),
    leavesOut: !pattern.startsWith("!"),
    foldersOnly: body.endsWith("/"),
  };
}

function expressionOf(pattern: string): RegExp {
  // A pattern with a slash inside counts from the root, one without counts at any depth.
  const anchored = pattern.includes("/");
  const segments = pattern.split("/").filter(Boolean);
  // `**/**` is `**`, and many of them in a row would only make matching slow.
  const kept = segments.filter((segment, at) => segment !== "**" || segments[at - 1] !== "**");
  const body = kept.map((segment, at) => segmentOf(segment, at === kept.length - 1)).join("");
  return new RegExp(`^${anchored ? "" : "(?:.*/)?"}${body}$`, "su");
}

function segmentOf(segment: string, isLast: boolean): string {
  if (segment === "**") return isLast ? ".+" : "(?:[^/]+/)*";
  const body = [...segment.replace(/\*+/g, "*")].map(characterOf).join("");
  return isLast ? body : `${body}/`;
}

function characterOf(character: string): string {
  if (character === "*") return "[^/]*";
  if (character === "?") return "[^/]";
  return character.replace(/[\\^$.+()[\]{}|]/, "\\$&");
}
