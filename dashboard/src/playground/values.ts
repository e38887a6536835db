/**
 * The value of a form: how it begins, and what is plainly wrong with it before it is sent. Pure.
 *
 * `undefined` is a field that was left alone; it is not sent. The server's check is the one that
 * counts: here only what a person should not have to wait for.
 */
import type { Fault } from "wire";
import { type Field, fieldOf, isNode, type Node } from "./schema";

const DEEPEST_START = 8;

/** What a field starts with: its default, and inside of what has to be there the same again. */
export function startOf(root: Node, schema: unknown, isRequired = true, depth = 0): unknown {
  const field = fieldOf(root, schema);
  if ("default" in field.node) return structuredClone(field.node["default"]);
  if (field.kind === "enum" && field.options.length === 1 && isRequired) return field.options[0];
  if (!isRequired || depth > DEEPEST_START) return undefined;
  if (field.kind === "boolean") return false;
  if (field.kind === "array") return startOfList(root, field, depth);
  if (field.kind === "choice") return startOf(root, field.options[0], true, depth + 1);
  if (field.kind !== "object") return undefined;
  const starts = field.properties.map(({ name, node, isRequired: isNeeded }) => [
    name,
    startOf(root, node, isNeeded, depth + 1),
  ]);
  return Object.fromEntries(starts.filter(([, value]) => value !== undefined));
}

function startOfList(root: Node, field: Field & { kind: "array" }, depth: number): unknown[] {
  const least = Number(field.node["minItems"] ?? 0);
  return Array.from({ length: least }, () => startOf(root, field.item, true, depth + 1));
}

/** Put a value into an object; undefined takes the property away. */
export function withMember(value: unknown, name: string, member: unknown): Node {
  const { [name]: _former, ...rest } = isNode(value) ? value : {};
  return member === undefined ? rest : { ...(isNode(value) ? value : {}), [name]: member };
}

/** Find what is missing or out of bounds, each with its path. */
export function faultsOf(
  root: Node,
  schema: unknown,
  at: { value: unknown; path?: string; isRequired?: boolean },
): Fault[] {
  const { value, path = "$", isRequired = true } = at;
  const field = fieldOf(root, schema);
  if (isMissing(value)) return isRequired ? [{ path, message: "This is needed." }] : [];
  switch (field.kind) {
    case "object":
      return field.properties.flatMap(({ name, node, isRequired: isNeeded }) => {
        const member = isNode(value) ? value[name] : undefined;
        return faultsOf(root, node, {
          value: member,
          path: step(path, name),
          isRequired: isNeeded && !("default" in fieldOf(root, node).node),
        });
      });
    case "array":
      return [
        ...sizeFaults(field.node, { value, path }),
        ...(value as unknown[]).flatMap((item, index) =>
          faultsOf(root, field.item, { value: item, path: `${path}[${index}]` }),
        ),
      ];
    default:
      return ownFaults(field, { value, path });
  }
}

function ownFaults(field: Field, { value, path }: { value: unknown; path: string }): Fault[] {
  const told = (message: string): Fault[] => [{ path, message }];
  if (field.kind === "json" && value instanceof NotJson) return told("This is not JSON yet.");
  if (field.kind === "number" || field.kind === "integer") {
    if (typeof value !== "number" || !Number.isFinite(value))
      return told("This has to be a number.");
    if (field.kind === "integer" && !Number.isInteger(value)) return told("This has to be whole.");
    return boundFaults(field.node, { value, path });
  }
  if ((field.kind === "string" || field.kind === "text") && typeof value === "string") {
    const { minLength, maxLength } = field.node;
    const length = [...value].length;
    if (Number(minLength) > length) return told(`At least ${minLength} characters, please.`);
    if (Number(maxLength) < length)
      return told(`At most ${maxLength} characters: ${length} are here.`);
  }
  if (field.kind === "color" && !/^#?(?:[\da-f]{3}|[\da-f]{6})$/i.test(String(value))) {
    return told("A color has 3 or 6 hexadecimal digits, such as #336699.");
  }
  return [];
}

function boundFaults(node: Node, { value, path }: { value: number; path: string }): Fault[] {
  const { minimum, maximum } = node;
  if (typeof minimum === "number" && value < minimum) {
    return [{ path, message: `At least ${minimum}, please.` }];
  }
  if (typeof maximum === "number" && value > maximum) {
    return [{ path, message: `At most ${maximum}, please.` }];
  }
  return [];
}

function sizeFaults(node: Node, { value, path }: { value: unknown; path: string }): Fault[] {
  const { length } = value as unknown[];
  if (Number(node["minItems"]) > length) {
    return [{ path, message: `At least ${node["minItems"]} of these, please.` }];
  }
  if (Number(node["maxItems"]) < length) {
    return [{ path, message: `At most ${node["maxItems"]} of these, please.` }];
  }
  return [];
}

function isMissing(value: unknown): boolean {
  return value === undefined || value === "";
}

/** What somebody typed into a field for JSON before it is JSON. */
export class NotJson {
  constructor(readonly text: string) {}
}

/** Write a step of a path as the server does: `$.a[0]["odd key"]`. */
export function step(path: string, name: string): string {
  if (/^[A-Za-z_$][\w-]*$/.test(name)) return `${path}.${name}`;
  return `${path}["${name.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"]`;
}

/** Put a fault of the server where its field is: what is missing is told of what it is missing in. */
export function placed(fault: Fault): Fault {
  const name = /^`([^`]+)` is missing/.exec(fault.message)?.[1];
  return name ? { path: step(fault.path, name), message: "This is needed." } : fault;
}

/** Whether a fault is to be told at a field: at its own path, or below it where nothing else is shown. */
export function isAt(fault: Fault, path: string, isLeaf: boolean): boolean {
  if (fault.path === path) return true;
  return isLeaf && fault.path.startsWith(path) && /^[.[]/.test(fault.path.slice(path.length));
}
