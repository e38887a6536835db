import { PurasAPIError, PurasConnectionError } from "puras";
import { expect, test } from "vitest";
import { faultAt, restOf } from "../../../src/api/faults";
import { told } from "../../../src/api/refusal";

const REFUSAL = new PurasAPIError(422, "the body is not right", "invalid_body", "r", [
  { path: "$.skills[2]", message: "there is no such skill" },
  { path: "$.odd", message: "is not known" },
]);

test("a fault is told at its field, and so is one inside of it", () => {
  expect(faultAt(REFUSAL, "$.skills")).toBe("there is no such skill");
  expect(faultAt(REFUSAL, "$.skill")).toBeUndefined();
});

test("what belongs to no field is told with its path", () => {
  expect(restOf(REFUSAL, ["$.skills"])).toBe("$.odd is not known");
  expect(restOf(REFUSAL, ["$.skills", "$.odd"])).toBeUndefined();
});

test("a refusal without faults is told as it is, and no refusal is nothing", () => {
  expect(restOf(new PurasAPIError(403, "the key may not", "forbidden"), [])).toBe(
    "the key may not",
  );
  expect(restOf(null, [])).toBeUndefined();
});

test("a server that is not there is no address and no name of a function", () => {
  const sentence = "The server could not be reached. Is it running?";
  expect(told(new PurasConnectionError("http://x/v1/jobs: Failed to fetch"))).toBe(sentence);
  expect(told(new TypeError("Failed to fetch"))).toBe(sentence);
});
