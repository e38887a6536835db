import { describe, expect, test } from "vitest";
import { fits } from "../../src/playground/fits";
import { fieldOf, optionTitle } from "../../src/playground/schema";

const kindOf = (schema: unknown, root = schema) => fieldOf(root as never, schema).kind;

describe("the control that a schema asks for", () => {
  test.each([
    [{ type: "string" }, "string"],
    [{ type: "text" }, "text"],
    [{ type: ["string", "null"] }, "string"],
    [{ type: "integer" }, "integer"],
    [{ type: "color" }, "color"],
    [{ type: "video" }, "file"],
    [{ enum: ["a", 1] }, "enum"],
    [{ const: "only" }, "enum"],
    [{ type: "array", items: { type: "string" } }, "array"],
    [{ type: "object", properties: { a: {} } }, "object"],
    [{ properties: { a: {} } }, "object"],
    [{ oneOf: [{ type: "string" }, { type: "number" }] }, "choice"],
    [{ type: ["string", "number"] }, "choice"],
  ])("%j is a %s", (schema, kind) => {
    expect(kindOf(schema)).toBe(kind);
  });

  test.each([
    [{}],
    [true],
    [{ type: "object" }],
    [{ type: "array" }],
    [{ type: "array", prefixItems: [{}], items: {} }],
    [{ $ref: "#/$defs/missing" }],
  ])("%j is typed as JSON", (schema) => {
    expect(kindOf(schema)).toBe("json");
  });

  test("one alternative beside null is that alternative, with the words around it", () => {
    const schema = { title: "Age", anyOf: [{ type: "integer", minimum: 1 }, { type: "null" }] };
    expect(fieldOf(schema, schema)).toMatchObject({ kind: "integer", title: "Age" });
  });

  test("an object that needs one of two properties is no choice", () => {
    const schema = {
      type: "object",
      properties: { a: {}, b: {} },
      anyOf: [{ required: ["a"] }, { required: ["b"] }],
    };
    expect(kindOf(schema)).toBe("object");
  });

  test("references are followed, with what stands beside them, and may go in circles", () => {
    const root = {
      $defs: {
        tree: { type: "object", properties: { next: { $ref: "#/$defs/tree" } } },
        "odd/name": { type: "text" },
        loop: { $ref: "#/$defs/loop" },
      },
    };
    const found = fieldOf(root, { $ref: "#/$defs/tree", title: "Tree" });
    expect(found).toMatchObject({ kind: "object", title: "Tree" });
    expect(kindOf({ $ref: "#/$defs/odd~1name" }, root)).toBe("text");
    expect(kindOf({ $ref: "#/$defs/loop" }, root)).toBe("json");
  });

  test("the parts of an allOf are one object", () => {
    const schema = {
      allOf: [
        { type: "object", properties: { a: {} }, required: ["a"] },
        { properties: { b: {} }, required: ["b"] },
      ],
    };
    const field = fieldOf(schema, schema);
    const properties = field.kind === "object" ? field.properties : [];
    expect(properties.map(({ name, isRequired }) => [name, isRequired])).toEqual([
      ["a", true],
      ["b", true],
    ]);
  });
});

test("alternatives are told by their title, a fixed value, or what they need", () => {
  const titles = [
    { title: "By card", type: "object", properties: { card: {} } },
    { type: "object", properties: { kind: { const: "cash" } }, required: ["kind"] },
    { type: "object", properties: { a: {}, b: {} }, required: ["b"] },
    { type: "image" },
  ].map((option) => optionTitle({}, option));
  expect(titles).toEqual(["By card", "cash", "b", "image"]);
});

test("a value picks the alternative that it looks like", () => {
  const card = { type: "object", properties: { card: { type: "string" } }, required: ["card"] };
  expect(fits({}, card, { card: "1" })).toBe(true);
  expect(fits({}, card, { coins: 1 })).toBe(false);
  expect(fits({}, { type: "array", items: { type: "integer" } }, [1, 2.5])).toBe(false);
});
