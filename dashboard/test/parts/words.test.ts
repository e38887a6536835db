import { expect, test } from "vitest";
import { phraseOf } from "../../src/skills/words";
import { ago, bytes, dollars, duration } from "../../src/ui/figures";

test.each([
  [{ type: "string", minLength: 1, maxLength: 40 }, "text, 1 to 40 characters"],
  [{ type: "string", format: "uri" }, "URL"],
  [{ type: "integer", minimum: 1 }, "whole number, at least 1"],
  [{ enum: ["a", 2] }, "one of a, 2"],
  [{ const: true }, "always true"],
  [
    { type: "array", items: { type: "image" }, maxItems: 3 },
    "list, each: picture, at most 3 items",
  ],
  [{ oneOf: [{ type: "string" }, { type: "image" }] }, "one of: string; image"],
  [{}, "any JSON"],
])("%j is said as: %s", (schema, words) => {
  expect(phraseOf(schema, schema)).toBe(words);
});

test("figures are said as people say them", () => {
  expect([0, 1_500_000, 1_234, 12, -2_000_000].map(dollars)).toEqual([
    "$0.00",
    "$1.50",
    "$0.0012",
    "$0.000012",
    "−$2.00",
  ]);
  expect([340, 4_200, 185_000, 7_500_000].map(duration)).toEqual([
    "340 ms",
    "4.2 s",
    "3 min 5 s",
    "2 h 5 min",
  ]);
  expect([12, 2_048, 5_242_880].map(bytes)).toEqual(["12 B", "2.0 KiB", "5.0 MiB"]);
  const now = Date.parse("2026-01-02T00:00:00Z");
  expect(ago("2026-01-01T21:00:00Z", now)).toBe("3 hours ago");
  expect(ago("2026-01-01T23:59:58Z", now)).toBe("just now");
});
