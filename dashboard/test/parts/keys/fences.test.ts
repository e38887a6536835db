import { expect, test } from "vitest";
import type { Key } from "wire";
import { creationOf, fencesOf, NEW_KEY, stateOf } from "../../../src/keys/fences";

const KEY = {
  skills: "all",
  rate_per_minute: null,
  concurrency: null,
  allowed_origins: null,
  expires_at: null,
  revoked_at: null,
} as unknown as Key;

test("what is left empty in the form is no fence", () => {
  expect(creationOf({ ...NEW_KEY, name: " ci " })).toEqual({ name: "ci", kind: "secret" });
});

test("a cap of nothing is a cap", () => {
  expect(creationOf({ ...NEW_KEY, name: "ci", dailyCap: "0" }).daily_cap_usd).toBe(0);
});

test("origins are read line by line, and only for a publishable key", () => {
  const draft = { ...NEW_KEY, name: "web", origins: "https://a.example\n https://b.example,\n" };
  expect(creationOf({ ...draft, kind: "publishable" }).allowed_origins).toEqual([
    "https://a.example",
    "https://b.example",
  ]);
  expect(creationOf(draft).allowed_origins).toBeUndefined();
});

test("a key is good through its last day", () => {
  const end = creationOf({ ...NEW_KEY, name: "ci", expires: "2030-01-31" }).expires_at ?? "";
  expect(new Date(end).getTime()).toBe(new Date(2030, 0, 31, 23, 59, 59).getTime());
});

test("a key's fences are told one by one", () => {
  const fenced = {
    ...KEY,
    skills: ["shop/ad"],
    rate_per_minute: 5,
    concurrency: 2,
    allowed_origins: ["https://a.example"],
  };
  expect(fencesOf(KEY)).toEqual([]);
  expect(fencesOf(fenced)).toEqual([
    "only shop/ad",
    "5 submits a minute",
    "2 at once",
    "from https://a.example",
  ]);
});

test("a key that was revoked is revoked, whether it expired or not", () => {
  const past = "2020-01-01T00:00:00Z";
  const now = Date.parse("2025-01-01T00:00:00Z");
  expect(stateOf(KEY, now)).toBe("good");
  expect(stateOf({ ...KEY, expires_at: past }, now)).toBe("expired");
  expect(stateOf({ ...KEY, expires_at: past, revoked_at: past }, now)).toBe("revoked");
});
