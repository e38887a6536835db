/** A schema in words: what a field is, in a phrase. Pure. */
import { fieldOf, type Node, optionTitle } from "../playground/schema";

/** Such as "whole number, 1 to 16" or "list of pictures". */
export function phraseOf(root: Node, schema: unknown): string {
  const field = fieldOf(root, schema);
  const { node } = field;
  const about = (words: string, limits?: string) => (limits ? `${words}, ${limits}` : words);
  switch (field.kind) {
    case "string":
    case "text":
      return about(
        stringWords(field.kind, node),
        range(node, ["minLength", "maxLength"], " characters"),
      );
    case "number":
      return about("number", range(node, ["minimum", "maximum"]));
    case "integer":
      return about("whole number", range(node, ["minimum", "maximum"]));
    case "boolean":
      return "yes or no";
    case "color":
      return "color, as hexadecimal digits";
    case "enum":
      return field.options.length === 1
        ? `always ${shown(field.options[0])}`
        : `one of ${field.options.map(shown).join(", ")}`;
    case "file":
      return FILES[field.fileType];
    case "array": {
      const items = phraseOf(root, field.item);
      return about(`list, each: ${items}`, range(node, ["minItems", "maxItems"], " items"));
    }
    case "object":
      return "object";
    case "choice":
      return `one of: ${field.options.map((option) => optionTitle(root, option)).join("; ")}`;
    case "json":
      return "any JSON";
  }
}

const FILES = {
  image: "picture",
  video: "video",
  audio: "recording",
  file: "file",
};
const FORMATS: Readonly<Record<string, string>> = {
  uri: "URL",
  email: "email address",
  date: "date",
  "date-time": "date and time",
};

function stringWords(kind: "string" | "text", node: Node): string {
  const format = FORMATS[String(node["format"])];
  return format ?? (kind === "text" ? "text of any number of lines" : "text");
}

function range(node: Node, [least, most]: [string, string], unit = ""): string | undefined {
  const [from, to] = [node[least], node[most]];
  if (from !== undefined && to !== undefined) return `${from} to ${to}${unit}`;
  if (from !== undefined) return `at least ${from}${unit}`;
  return to === undefined ? undefined : `at most ${to}${unit}`;
}

export function shown(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
