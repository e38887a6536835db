/** What a job's events say of it as a whole: how far it is, and what it waits for. Pure. */
import type { JobEvent } from "puras";

export interface Advance {
  readonly fraction: number | undefined;
  readonly message: string;
}

/** The last progress that was told. */
export function advanceOf(events: readonly JobEvent[]): Advance {
  const last = events.findLast((event) => event.type === "progress")?.payload ?? {};
  const { fraction, message } = last;
  return {
    fraction: typeof fraction === "number" ? Math.max(0, Math.min(1, fraction)) : undefined,
    message: typeof message === "string" ? message : "",
  };
}

/** A tool that a person has to approve before it is used. */
export interface Question {
  readonly id: string;
  readonly tool: string;
  readonly input: unknown;
  readonly expiresAt: string | undefined;
}

/** The questions that nobody has answered yet. */
export function questionsOf(events: readonly JobEvent[]): Question[] {
  const open = new Map<string, Question>();
  for (const { type, payload } of events) {
    const id = String(payload?.["approval_id"] ?? "");
    if (type === "approval_decided") open.delete(id);
    if (type !== "approval_required") continue;
    const { tool_name, name, tool_input, input, expires_at } = payload ?? {};
    open.set(id, {
      id,
      tool: String(tool_name ?? name ?? "a tool"),
      input: tool_input ?? input,
      expiresAt: typeof expires_at === "string" ? expires_at : undefined,
    });
  }
  return [...open.values()];
}
