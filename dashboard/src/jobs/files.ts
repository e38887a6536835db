/** Files among values: which ones there are, and values with other addresses for them. Pure. */
import { fits } from "../playground/fits";
import { fieldOf, isNode, type Node } from "../playground/schema";

/** The paths of the drive that stand where the schema has a file; addresses of the web are none. */
export function drivePathsOf(root: Node, schema: unknown, value: unknown): string[] {
  const field = fieldOf(root, schema);
  switch (field.kind) {
    case "file":
      return typeof value === "string" && !/^(https?|data):/.test(value) ? [value] : [];
    case "array":
      return listOf(value).flatMap((each) => drivePathsOf(root, field.item, each));
    case "object":
      return field.properties.flatMap(({ name, node }) =>
        drivePathsOf(root, node, isNode(value) ? value[name] : undefined),
      );
    case "choice": {
      const option = field.options.find((each) => fits(root, each, value));
      return option ? drivePathsOf(root, option, value) : [];
    }
    default:
      return [];
  }
}

/** The value with each string in it changed, names of properties aside. */
export function mapStrings(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === "string") return change(value);
  if (Array.isArray(value)) return value.map((each) => mapStrings(each, change));
  if (!isNode(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [name, mapStrings(each, change)]),
  );
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
