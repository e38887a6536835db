/**
 * The schema dialect, as a form sees it: which control a schema asks for. Pure.
 *
 * A form shows what most schemas say, and takes JSON for the rest; the server checks all of it. A
 * field is worked out when it is shown, one level at a time, so a schema may refer to itself.
 */
export type Node = Readonly<Record<string, unknown>>;

export const FILE_TYPES = ["image", "video", "audio", "file"] as const;
export type FileType = (typeof FILE_TYPES)[number];

interface Common {
  readonly node: Node;
  readonly title: string | undefined;
  readonly description: string | undefined;
}

export interface Property {
  readonly name: string;
  readonly node: Node;
  readonly isRequired: boolean;
}

/** A field; `json` is for whatever no other control fits. */
export type Field = Common &
  (
    | { readonly kind: "string" | "text" | "number" | "integer" | "boolean" | "color" | "json" }
    | { readonly kind: "enum"; readonly options: readonly unknown[] }
    | { readonly kind: "file"; readonly fileType: FileType }
    | { readonly kind: "array"; readonly item: Node }
    | { readonly kind: "object"; readonly properties: readonly Property[] }
    | { readonly kind: "choice"; readonly options: readonly Node[] }
  );

const MOST_REFERENCES = 32;
const SIMPLE = ["string", "text", "number", "integer", "boolean", "color"] as const;

/** Work out the field for a schema of `root`. */
export function fieldOf(root: Node, schema: unknown): Field {
  const node = resolved(root, schema);
  const common = { node, title: text(node["title"]), description: text(node["description"]) };
  if ("const" in node) return { ...common, kind: "enum", options: [node["const"]] };
  if (Array.isArray(node["enum"])) return { ...common, kind: "enum", options: node["enum"] };
  const options = optionsOf(root, node);
  if (options.length === 1) return { ...fieldOf(root, options[0]), ...known(common) };
  if (options.length > 1) return { ...common, kind: "choice", options };
  return { ...common, ...shapeOf(node) };
}

function shapeOf(node: Node) {
  const [type = impliedType(node)] = typesOf(node);
  const simple = SIMPLE.find((name) => name === type);
  if (simple) return { kind: simple };
  const fileType = FILE_TYPES.find((name) => name === type);
  if (fileType) return { kind: "file", fileType } as const;
  if (type === "array" && isNode(node["items"]) && !node["prefixItems"]) {
    return { kind: "array", item: node["items"] } as const;
  }
  const properties = propertiesOf(node);
  if (type === "object" && properties.length > 0) return { kind: "object", properties } as const;
  return { kind: "json" } as const;
}

/** The properties of an object's schema, in the order in which they were written. */
export function propertiesOf(node: Node): Property[] {
  const required = Array.isArray(node["required"]) ? node["required"] : [];
  const properties = isNode(node["properties"]) ? node["properties"] : {};
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    node: isNode(schema) ? schema : {},
    isRequired: required.includes(name),
  }));
}

/** Follow references and take `allOf` together, so that a node says all of what it asks for. */
export function resolved(root: Node, schema: unknown): Node {
  let node: Node = isNode(schema) ? schema : {};
  for (let hops = 0; typeof node["$ref"] === "string" && hops < MOST_REFERENCES; hops++) {
    const { $ref, ...beside } = node;
    node = merged(pointed(root, String($ref)), beside);
  }
  const { allOf, ...beside } = node;
  if (!Array.isArray(allOf)) return node;
  return allOf.map((part) => resolved(root, part)).reduce(merged, beside);
}

function pointed(root: Node, reference: string): Node {
  let found: unknown = reference.startsWith("#") ? root : {};
  for (const step of reference.split("/").slice(1)) {
    const name = decodeURIComponent(step).replaceAll("~1", "/").replaceAll("~0", "~");
    found = isNode(found) || Array.isArray(found) ? (found as Node)[name] : undefined;
  }
  return isNode(found) ? found : {};
}

function merged(one: Node, other: Node): Node {
  const properties = { ...node(one["properties"]), ...node(other["properties"]) };
  const required = [...list(one["required"]), ...list(other["required"])];
  return {
    ...one,
    ...other,
    ...(Object.keys(properties).length > 0 ? { properties } : {}),
    ...(required.length > 0 ? { required } : {}),
  };
}

/** The alternatives of a schema, without that of null, which an empty field stands for. */
function optionsOf(root: Node, node: Node): Node[] {
  const written = list(node["oneOf"] ?? node["anyOf"]).filter(isNode);
  const { oneOf: _one, anyOf: _any, title: _title, description: _about, ...common } = node;
  const hasShapes = written.some((option) => isShape(resolved(root, option)));
  if (hasShapes) {
    const options = written.map((option) => merged(common, resolved(root, option)));
    return options.filter((option) => option["type"] !== "null");
  }
  const types = typesOf(node);
  return types.length > 1 ? types.map((type) => ({ ...node, type })) : [];
}

/** Whether an alternative says what a value is, and not only, say, which properties it needs. */
function isShape(node: Node): boolean {
  return ["type", "properties", "enum", "const", "items", "oneOf", "anyOf"].some(
    (key) => key in node,
  );
}

function typesOf(node: Node): string[] {
  const { type } = node;
  const types = Array.isArray(type) ? type : type === undefined ? [] : [type];
  return types.filter((name): name is string => typeof name === "string" && name !== "null");
}

function impliedType(node: Node): string | undefined {
  if ("properties" in node) return "object";
  return "items" in node ? "array" : undefined;
}

/** The words for one of several alternatives. */
export function optionTitle(root: Node, option: Node): string {
  const field = fieldOf(root, option);
  if (field.title) return field.title;
  if (field.kind === "enum") return field.options.map((value) => String(value)).join(", ");
  if (field.kind === "file") return field.fileType;
  if (field.kind !== "object") return field.kind;
  // What tells objects apart is a property with a fixed value, else what they need.
  const fixed = field.properties.map(({ node: of }) => resolved(root, of)["const"]);
  const told = fixed.filter((value) => value !== undefined);
  const names = field.properties.filter(({ isRequired }) => isRequired).map(({ name }) => name);
  return (told.length > 0 ? told : names).join(", ") || "object";
}

function known(common: Common): Partial<Common> {
  return Object.fromEntries(
    Object.entries({ title: common.title, description: common.description }).filter(
      ([, value]) => value !== undefined,
    ),
  );
}

export function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function node(value: unknown): Node {
  return isNode(value) ? value : {};
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
