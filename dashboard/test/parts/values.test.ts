import { expect, test } from "vitest";
import {
  faultsOf,
  isAt,
  NotJson,
  placed,
  startOf,
  step,
  withMember,
} from "../../src/playground/values";

const SCHEMA = {
  type: "object",
  properties: {
    name: { type: "string", maxLength: 3 },
    count: { type: "integer", default: 3, minimum: 1, maximum: 5 },
    sure: { type: "boolean" },
    home: {
      type: "object",
      properties: { city: { type: "string" }, on: { type: "boolean" } },
      required: ["on"],
    },
    tags: { type: "array", items: { type: "string" }, minItems: 1 },
    extra: { type: "object" },
    tint: { type: "color" },
  },
  required: ["name", "home", "tags", "count"],
};
const faults = (value: unknown) => faultsOf(SCHEMA, SCHEMA, { value }).map(({ path }) => path);

test("a form begins with its defaults, and with what has to be there", () => {
  expect(startOf(SCHEMA, SCHEMA)).toEqual({ count: 3, home: { on: false }, tags: [undefined] });
});

test("a schema that needs itself has a beginning all the same", () => {
  const root = { type: "object", properties: { next: { $ref: "#" } }, required: ["next"] };
  expect(JSON.stringify(startOf(root, root)).length).toBeLessThan(200);
});

test("what is missing is found at its own path, and defaults may be", () => {
  expect(faults({})).toEqual(["$.name", "$.home", "$.tags"]);
  expect(faults({ name: "a", home: {}, tags: [""] })).toEqual(["$.home.on", "$.tags[0]"]);
});

test("what is out of bounds is found before it is sent", () => {
  const value = { name: "long", home: { on: true }, tags: [], count: 9, tint: "red" };
  expect(faults(value)).toEqual(["$.name", "$.count", "$.tags", "$.tint"]);
  expect(faults({ ...value, count: 1.5 })).toContain("$.count");
  expect(faults({ ...value, extra: new NotJson("{") })).toContain("$.extra");
});

test("a member that becomes undefined is gone", () => {
  expect(withMember({ a: 1, b: 2 }, "a", undefined)).toEqual({ b: 2 });
  expect(withMember(undefined, "a", 1)).toEqual({ a: 1 });
});

test("paths are written as the server writes them", () => {
  expect(step("$", "a-b")).toBe("$.a-b");
  expect(step("$.x", 'odd "key"')).toBe('$.x["odd \\"key\\""]');
});

test("what the server misses is told at the field, not at the object around it", () => {
  expect(placed({ path: "$.home", message: "`city` is missing" }).path).toBe("$.home.city");
  expect(placed({ path: "$.a", message: "1 is too small" }).path).toBe("$.a");
});

test("a fault inside of a control is told at the control", () => {
  const fault = { path: "$.extra.deep[0]", message: "no" };
  expect(isAt(fault, "$.extra", true)).toBe(true);
  expect(isAt(fault, "$.extra", false)).toBe(false);
  expect(isAt({ path: "$.extras", message: "no" }, "$.extra", true)).toBe(false);
});
