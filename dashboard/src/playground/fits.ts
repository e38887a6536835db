/** Whether a value looks like what a schema asks for: enough to tell alternatives apart. Pure. */
import { fieldOf, isNode, type Node } from "./schema";

export function fits(root: Node, schema: unknown, value: unknown): boolean {
  const field = fieldOf(root, schema);
  switch (field.kind) {
    case "string":
    case "text":
    case "color":
      return typeof value === "string";
    case "number":
      return typeof value === "number";
    case "integer":
      return Number.isInteger(value);
    case "boolean":
      return typeof value === "boolean";
    case "enum":
      return field.options.some((option) => JSON.stringify(option) === JSON.stringify(value));
    case "file":
      return typeof value === "string" || isNode(value);
    case "array":
      return Array.isArray(value) && value.every((item) => fits(root, field.item, item));
    case "object":
      return (
        isNode(value) &&
        field.properties.every(({ name, node, isRequired }) =>
          name in value ? fits(root, node, value[name]) : !isRequired,
        )
      );
    case "choice":
      return field.options.some((option) => fits(root, option, value));
    case "json":
      return true;
  }
}
