/** What a form says of a new key, as the API takes it, and a key's fences in words. Pure. */
import type { Key, KeyCreate, KeyKind } from "wire";

/** What the form holds, as it was typed; what is empty is no fence. */
export interface KeyDraft {
  readonly name: string;
  readonly kind: KeyKind;
  /** Paths `skillpack/skill`; empty for every skill. */
  readonly skills: readonly string[];
  readonly dailyCap: string;
  readonly rate: string;
  /** How many of its jobs may run at once. */
  readonly concurrency: string;
  /** One in a line. */
  readonly origins: string;
  /** A date of the calendar, `2030-01-31`; the key ends with that day where the browser is. */
  readonly expires: string;
}

export const NEW_KEY: KeyDraft = {
  name: "",
  kind: "secret",
  skills: [],
  dailyCap: "",
  rate: "",
  concurrency: "",
  origins: "",
  expires: "",
};

export function creationOf(draft: KeyDraft): KeyCreate {
  const origins = draft.origins.split(/[\s,]+/).filter(Boolean);
  return {
    name: draft.name.trim(),
    kind: draft.kind,
    ...(draft.skills.length > 0 && { skills: [...draft.skills] }),
    ...(draft.dailyCap !== "" && { daily_cap_usd: Number(draft.dailyCap) }),
    ...(draft.rate !== "" && { rate_per_minute: Number(draft.rate) }),
    ...(draft.concurrency !== "" && { concurrency: Number(draft.concurrency) }),
    ...(draft.kind === "publishable" && origins.length > 0 && { allowed_origins: origins }),
    ...(draft.expires !== "" && { expires_at: endOf(draft.expires) }),
  };
}

/** The last second of a day of the calendar, as a moment. */
function endOf(day: string): string {
  return new Date(`${day}T23:59:59`).toISOString();
}

export type KeyState = "good" | "expired" | "revoked";

export function stateOf({ revoked_at, expires_at }: Key, now: number): KeyState {
  if (revoked_at) return "revoked";
  return expires_at && Date.parse(expires_at) <= now ? "expired" : "good";
}

/** What limits a key besides its cap, a phrase each. */
export function fencesOf(key: Key): string[] {
  const { skills, rate_per_minute: rate, concurrency, allowed_origins: origins } = key;
  const fences: string[] = [];
  if (skills !== "all") fences.push(`only ${skills.join(", ")}`);
  if (rate !== null) fences.push(`${rate} submits a minute`);
  if (concurrency !== null) fences.push(`${concurrency} at once`);
  if (origins) fences.push(`from ${origins.join(", ")}`);
  return fences;
}
