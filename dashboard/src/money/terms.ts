/** Budgets in words, and what a form says as the API takes it. Pure. */
import type { Budget, BudgetCreate, BudgetPatch, BudgetWindow } from "wire";

export const WINDOWS: readonly (readonly [BudgetWindow, string])[] = [
  ["day", "each day"],
  ["month", "each month"],
  ["rolling30", "any 30 days"],
  ["total", "in total"],
];

/** What a form holds, as it was typed. */
export interface BudgetDraft {
  /** Empty for the whole workspace, `pack` for a skillpack, `pack/skill` for a skill. */
  readonly of: string;
  readonly window: BudgetWindow;
  readonly limit: string;
  /** A percentage; empty for none. */
  readonly alert: string;
  readonly enforce: boolean;
  readonly enabled: boolean;
}

export const NEW_BUDGET: BudgetDraft = {
  of: "",
  window: "month",
  limit: "",
  alert: "80",
  enforce: true,
  enabled: true,
};

export function draftOf(budget: Budget): BudgetDraft {
  return {
    of: pathOf(budget) ?? "",
    window: budget.window,
    limit: String(budget.limit_usd),
    alert: budget.alert_pct === null ? "" : String(budget.alert_pct),
    enforce: budget.enforce,
    enabled: budget.enabled,
  };
}

/** The skillpack or the skill that a budget is for; undefined for the workspace. */
export function pathOf({ skillpack, skill_name }: Budget): string | undefined {
  if (!skillpack) return undefined;
  return skill_name ? `${skillpack}/${skill_name}` : skillpack;
}

export function windowInWords(window: BudgetWindow): string {
  return WINDOWS.find(([name]) => name === window)?.[1] ?? window;
}

/** The terms of a draft; the server checks them. */
export function termsOf(draft: BudgetDraft): BudgetPatch {
  return {
    window: draft.window,
    limit_usd: Number(draft.limit),
    alert_pct: draft.alert.trim() === "" ? null : Number(draft.alert),
    enforce: draft.enforce,
    enabled: draft.enabled,
  };
}

export function creationOf(draft: BudgetDraft): BudgetCreate {
  const terms = { ...termsOf(draft), window: draft.window, limit_usd: Number(draft.limit) };
  if (!draft.of) return { ...terms, scope: "workspace" };
  const [skillpack = "", skill] = draft.of.split("/");
  return { ...terms, scope: "skillpack", skillpack, skill_name: skill ?? null };
}
