/** What is said of a job in a line. Pure. */
import type { Job } from "wire";
import { duration } from "../ui/figures";

export const STATUSES = ["queued", "running", "succeeded", "failed", "cancelled"] as const;

export function isOver(status: string): boolean {
  return status === "succeeded" || status === "failed" || status === "cancelled";
}

/** How a job's skill is called here: `skillpack/skill`. A prompt on its own has no skillpack. */
export function skillOf({ skillpack, skill_name }: Job): string {
  return skillpack.startsWith("@") ? skill_name : `${skillpack}/${skill_name}`;
}

/** How long it ran, or has run until `now`; undefined before it began. */
export function tookOf({ started_at, finished_at }: Job, now: number): string | undefined {
  if (!started_at) return undefined;
  const end = finished_at ? Date.parse(finished_at) : now;
  return duration(Math.max(0, end - Date.parse(started_at)));
}
