import { expect, test } from "vitest";
import type { Budget } from "wire";
import { creationOf, draftOf, NEW_BUDGET, termsOf } from "../../../src/money/terms";

test("a budget of the workspace names no skillpack", () => {
  expect(creationOf({ ...NEW_BUDGET, limit: "12.5" })).toEqual({
    scope: "workspace",
    window: "month",
    limit_usd: 12.5,
    alert_pct: 80,
    enforce: true,
    enabled: true,
  });
});

test("a budget is for a skillpack, or for one skill of it", () => {
  const draft = { ...NEW_BUDGET, limit: "1" };
  expect(creationOf({ ...draft, of: "shop" })).toMatchObject({
    skillpack: "shop",
    skill_name: null,
  });
  expect(creationOf({ ...draft, of: "shop/ad" })).toMatchObject({
    scope: "skillpack",
    skillpack: "shop",
    skill_name: "ad",
  });
});

test("no percentage is no alert", () => {
  expect(termsOf({ ...NEW_BUDGET, alert: " " }).alert_pct).toBeNull();
});

test("a budget comes back from the form as it went in", () => {
  const budget = {
    scope: "skillpack",
    skillpack: "shop",
    skill_name: "ad",
    window: "rolling30",
    limit_usd: 3,
    alert_pct: null,
    enforce: false,
    enabled: true,
  } as unknown as Budget;
  expect(termsOf(draftOf(budget))).toEqual({
    window: "rolling30",
    limit_usd: 3,
    alert_pct: null,
    enforce: false,
    enabled: true,
  });
});
