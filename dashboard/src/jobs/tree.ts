/**
 * A job's events as a tree: steps, in them what the model said and the tools it used, in those the
 * subagents with steps of their own. Pure; the same events give the same tree.
 *
 * Whose an event is, `ctx.job_id` says, and who has none is the job's own. A tool's result belongs to
 * its call, wherever it comes; what came while a run had no step yet stands at the top.
 */
import type { JobEvent } from "puras";

export type EntryKind =
  | "status"
  | "step"
  | "model"
  | "tool"
  | "subagent"
  | "log"
  | "approval"
  | "note";

export interface Entry {
  /** That of the event it began with: it stays the same as the tree grows. */
  readonly id: number;
  readonly kind: EntryKind;
  title: string;
  /** A line or more below the title. */
  text?: string;
  tone?: "good" | "warn" | "bad";
  readonly at: string;
  endedAt?: string;
  /** Whether it is under way; undefined for what takes no time. */
  isOpen?: boolean;
  costMicros?: number;
  tokens?: number;
  drivePath?: string;
  /** What can be unfolded: a tool's input. */
  detail?: unknown;
  readonly children: Entry[];
}

/** One run in the log: the job's, or that of a subagent. */
interface Run {
  readonly entries: Entry[];
  step?: Entry;
  readonly calls: Map<string, Entry>;
}

type Payload = Readonly<Record<string, unknown>>;

export function treeOf(events: readonly JobEvent[]): Entry[] {
  const tree = new Tree();
  for (const event of events) tree.take(event);
  return tree.top.entries;
}

class Tree {
  readonly top: Run = newRun();
  private readonly runs = new Map<string, Run>();
  private readonly subagents = new Map<string, Entry>();
  private readonly approvals = new Map<string, Entry>();

  take(event: JobEvent): void {
    const payload = event.payload ?? {};
    const run = this.runOf(payload);
    const method = METHODS[event.type];
    if (method) this[method](run, event, payload);
    else if (event.type !== "progress") {
      place(run).push(entry(event, "note", { title: event.type.replaceAll("_", " ") }));
    }
  }

  private runOf(payload: Payload): Run {
    const id = text((payload["ctx"] as Payload | undefined)?.["job_id"]);
    return (id && this.runs.get(id)) || this.top;
  }

  status(run: Run, event: JobEvent, payload: Payload): void {
    const status = text(payload["status"]);
    const tone = TONES[status];
    const error = text(payload["error"]);
    if (run.step && status !== "running") close(run.step, event);
    run.entries.push(
      entry(event, "status", {
        title: Number(payload["attempt"]) > 1 ? `${status}, attempt ${payload["attempt"]}` : status,
        ...(tone ? { tone } : {}),
        ...(error ? { text: error } : {}),
      }),
    );
    delete run.step;
  }

  step(run: Run, event: JobEvent, payload: Payload): void {
    if (run.step) close(run.step, event);
    const label = text(payload["label"]);
    const number = payload["step"];
    const title = label || (typeof number === "number" ? `Step ${number}` : text(number));
    run.step = entry(event, "step", { title, isOpen: true });
    run.entries.push(run.step);
  }

  model(run: Run, event: JobEvent, payload: Payload): void {
    const said = text(payload["text"]);
    place(run).push(
      entry(event, "model", {
        title: text(payload["model"]) || "model",
        tokens: number(payload["input_tokens"]) + number(payload["output_tokens"]),
        costMicros: number(payload["cost_micros"]),
        ...(said ? { text: said } : {}),
      }),
    );
  }

  call(run: Run, event: JobEvent, payload: Payload): void {
    const id = text(payload["tool_call_id"]);
    const made = entry(event, "tool", {
      title: text(payload["label"]) || text(payload["name"]),
      detail: payload["input"],
      isOpen: true,
    });
    // What a tool's own code makes (its id begins with `media-`) stands in the tool, if it is clear in which.
    const open = [...run.calls.values()].filter((call) => call.isOpen);
    const inside = id.startsWith("media-") && open.length === 1 ? open[0] : undefined;
    (inside?.children ?? place(run)).push(made);
    run.calls.set(id, made);
  }

  result(run: Run, event: JobEvent, payload: Payload): void {
    const call = run.calls.get(text(payload["tool_call_id"]));
    const done = call ?? entry(event, "tool", { title: text(payload["name"]) });
    if (!call) place(run).push(done);
    close(done, event);
    done.tone = payload["ok"] === false ? "bad" : "good";
    done.text = text(payload["preview"]);
    done.costMicros = number(payload["cost_micros"]);
    const path = text(payload["drive_path"]);
    if (path) done.drivePath = path;
  }

  subagent(run: Run, event: JobEvent, payload: Payload): void {
    const id = text(payload["job_id"]);
    const made = entry(event, "subagent", {
      title: text(payload["label"]) || "subagent",
      isOpen: true,
    });
    const caller = [...run.calls.values()].findLast(
      (call) => call.isOpen && (call.title === made.title || /subagent/.test(call.title)),
    );
    (caller?.children ?? place(run)).push(made);
    this.runs.set(id, { entries: made.children, calls: new Map() });
    this.subagents.set(id, made);
  }

  subagentEnd(_run: Run, event: JobEvent, payload: Payload): void {
    const id = text(payload["job_id"]);
    const ended = this.subagents.get(id);
    if (!ended) return;
    close(ended, event);
    const { step } = this.runs.get(id) ?? {};
    if (step) close(step, event);
    const tone = TONES[text(payload["status"])];
    if (tone) ended.tone = tone;
  }

  log(run: Run, event: JobEvent, payload: Payload): void {
    const tone = LOG_TONES[text(payload["level"])];
    place(run).push(
      entry(event, "log", { title: text(payload["message"]), ...(tone ? { tone } : {}) }),
    );
  }

  approval(run: Run, event: JobEvent, payload: Payload): void {
    const asked = entry(event, "approval", {
      title: `Waits for a person: ${text(payload["tool_name"]) || text(payload["name"])}`,
      detail: payload["tool_input"],
      isOpen: true,
      tone: "warn",
    });
    this.approvals.set(text(payload["approval_id"]), asked);
    place(run).push(asked);
  }

  decision(_run: Run, event: JobEvent, payload: Payload): void {
    const asked = this.approvals.get(text(payload["approval_id"]));
    if (!asked) return;
    close(asked, event);
    const status = text(payload["status"]);
    asked.title = `${asked.title.replace("Waits for a person: ", "")}: ${status}`;
    asked.tone = status === "approved" ? "good" : "bad";
    const reason = text(payload["reason"]);
    if (reason) asked.text = reason;
  }
}

const METHODS: Readonly<
  Record<
    string,
    | "status"
    | "step"
    | "model"
    | "call"
    | "result"
    | "subagent"
    | "subagentEnd"
    | "log"
    | "approval"
    | "decision"
  >
> = {
  status: "status",
  step: "step",
  model_response: "model",
  tool_call: "call",
  tool_result: "result",
  subagent_start: "subagent",
  subagent_end: "subagentEnd",
  log: "log",
  approval_required: "approval",
  approval_decided: "decision",
};

const TONES: Readonly<Record<string, "good" | "warn" | "bad">> = {
  succeeded: "good",
  failed: "bad",
  cancelled: "warn",
};
const LOG_TONES: Readonly<Record<string, "warn" | "bad">> = { warning: "warn", error: "bad" };

function newRun(): Run {
  return { entries: [], calls: new Map() };
}

function place(run: Run): Entry[] {
  return run.step?.children ?? run.entries;
}

function entry(
  event: JobEvent,
  kind: EntryKind,
  more: Omit<Entry, "id" | "kind" | "at" | "children">,
): Entry {
  return { id: event.id, kind, at: text(event["ts"]), children: [], ...more };
}

function close(some: Entry, event: JobEvent): void {
  some.isOpen = false;
  some.endedAt = text(event["ts"]);
}

function text(value: unknown): string {
  return typeof value === "string"
    ? value
    : value === undefined || value === null
      ? ""
      : String(value);
}

function number(value: unknown): number {
  return typeof value === "number" ? value : 0;
}
