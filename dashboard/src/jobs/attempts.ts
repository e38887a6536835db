/** What a job's events say of its attempts, and of the jobs that it started. Pure. */
import type { JobEvent } from "puras";

export interface Attempt {
  readonly number: number;
  readonly startedAt: string;
  /** Undefined while it is at work. */
  readonly endedAt: string | undefined;
  /** The status that followed; `running` while it is at work, `lost` where the next one followed. */
  readonly outcome: string;
}

/** Each `running` begins an attempt; the next status of the job itself ends it. */
export function attemptsOf(events: readonly JobEvent[]): Attempt[] {
  const attempts: Attempt[] = [];
  for (const { type, payload, ts } of events) {
    if (type !== "status" || isOfChild(payload)) continue;
    const [status, at] = [String(payload?.["status"]), String(ts)];
    const last = attempts.at(-1);
    if (last && last.endedAt === undefined) {
      const outcome = status === "running" ? "lost" : status;
      attempts[attempts.length - 1] = { ...last, endedAt: at, outcome };
    }
    if (status !== "running") continue;
    const number = Number(payload?.["attempt"] ?? attempts.length + 1);
    attempts.push({ number, startedAt: at, endedAt: undefined, outcome: "running" });
  }
  return attempts;
}

export interface Child {
  readonly jobId: string;
  readonly label: string;
  /** Undefined while it is at work. */
  readonly status: string | undefined;
}

/** The jobs below it, in the order of their beginning; those of children included. */
export function childrenOf(events: readonly JobEvent[]): Child[] {
  const children = new Map<string, Child>();
  for (const { type, payload } of events) {
    const jobId = String(payload?.["job_id"] ?? "");
    if (type === "subagent_start") {
      children.set(jobId, { jobId, label: String(payload?.["label"] ?? ""), status: undefined });
    }
    const begun = children.get(jobId);
    if (type === "subagent_end" && begun) {
      children.set(jobId, { ...begun, status: String(payload?.["status"]) });
    }
  }
  return [...children.values()];
}

function isOfChild(payload: Readonly<Record<string, unknown>> | null): boolean {
  return payload?.["ctx"] !== undefined;
}
