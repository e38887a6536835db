import type { JobEvent } from "puras";
import { expect, test } from "vitest";
import { rowsOf, usedBy } from "../../src/jobs/rows";
import { advanceOf, questionsOf } from "../../src/jobs/told";
import { type Entry, treeOf } from "../../src/jobs/tree";

type Told = [type: string, payload: Record<string, unknown>];

function eventsOf(...told: Told[]): JobEvent[] {
  return told.map(([type, payload], index) => ({
    id: index + 1,
    job_id: "j",
    ts: new Date(Date.UTC(2026, 0, 1, 0, 0, index)).toISOString(),
    type,
    payload,
  }));
}

/** The titles as nested lists. */
function titles(entries: readonly Entry[]): unknown[] {
  return entries.map(({ title, children }) =>
    children.length > 0 ? [title, ...titles(children)] : title,
  );
}

const CHILD = { ctx: { job_id: "c", label: "poet", depth: 1 } };
const AGENT: Told[] = [
  ["status", { status: "queued" }],
  ["status", { status: "running", attempt: 1 }],
  ["step", { step: 1 }],
  [
    "model_response",
    { model: "m", input_tokens: 10, output_tokens: 5, cost_micros: 7, text: "Hm." },
  ],
  ["tool_call", { tool_call_id: "1", name: "run_subagent", input: {} }],
  ["tool_call", { tool_call_id: "2", name: "bash", input: {} }],
  ["subagent_start", { label: "poet", job_id: "c" }],
  ["step", { ...CHILD, step: 1 }],
  ["model_response", { ...CHILD, model: "m", input_tokens: 1, output_tokens: 1, cost_micros: 9 }],
  ["tool_call", { ...CHILD, tool_call_id: "1", name: "web_fetch" }],
  ["tool_result", { ...CHILD, tool_call_id: "1", ok: false, preview: "no" }],
  ["tool_result", { tool_call_id: "2", ok: true, preview: "ok" }],
  ["subagent_end", { label: "poet", job_id: "c", status: "succeeded" }],
  ["tool_result", { tool_call_id: "1", ok: true, preview: "a poem", cost_micros: 9 }],
  ["step", { step: 2 }],
  ["log", { level: "error", message: "oh" }],
  ["status", { status: "succeeded" }],
];

test("steps hold what was said and used in them, and calls hold their subagents", () => {
  expect(titles(treeOf(eventsOf(...AGENT)))).toEqual([
    "queued",
    "running",
    ["Step 1", "m", ["run_subagent", ["poet", ["Step 1", "m", "web_fetch"]]], "bash"],
    ["Step 2", "oh"],
    "succeeded",
  ]);
});

test("calls with the same id in different runs keep their own results", () => {
  const rows = rowsOf(treeOf(eventsOf(...AGENT)), new Set());
  const byTitle = new Map(rows.map(({ entry }) => [entry.title, entry]));
  expect(byTitle.get("web_fetch")).toMatchObject({ tone: "bad", text: "no", isOpen: false });
  expect(byTitle.get("run_subagent")).toMatchObject({ tone: "good", text: "a poem" });
});

test("what is under way is open until its end is told", () => {
  const early = rowsOf(treeOf(eventsOf(...AGENT.slice(0, 8))), new Set());
  expect(early.filter(({ entry }) => entry.isOpen).map(({ entry }) => entry.title)).toEqual([
    "Step 1",
    "run_subagent",
    "poet",
    "Step 1",
    "bash",
  ]);
  const late = rowsOf(treeOf(eventsOf(...AGENT)), new Set());
  expect(late.filter(({ entry }) => entry.isOpen)).toEqual([]);
});

test("a call's price counts once, though what happened inside of it has a price too", () => {
  expect(usedBy(treeOf(eventsOf(...AGENT)))).toEqual({ costMicros: 7 + 9, tokens: 15 + 2 });
});

test("folded entries keep what is inside to themselves", () => {
  const tree = treeOf(eventsOf(...AGENT));
  const rows = rowsOf(tree, new Set([3]));
  expect(rows.map(({ entry }) => entry.title)).toEqual([
    "queued",
    "running",
    "Step 1",
    "Step 2",
    "oh",
    "succeeded",
  ]);
  expect(rows[2]).toMatchObject({ isFoldable: true, isFolded: true, depth: 0 });
});

test("a function without steps has its lines at the top, and what a new type says is shown", () => {
  const tree = treeOf(
    eventsOf(["log", { message: "a" }], ["progress", { fraction: 0.5 }], ["new_kind", {}]),
  );
  expect(titles(tree)).toEqual(["a", "new kind"]);
});

test("what a tool's own code makes stands in the tool", () => {
  const tree = treeOf(
    eventsOf(
      ["tool_call", { tool_call_id: "1", name: "shoot" }],
      ["tool_call", { tool_call_id: "media-1", name: "generate_video" }],
      ["tool_result", { tool_call_id: "media-1", ok: true }],
    ),
  );
  expect(titles(tree)).toEqual([["shoot", "generate_video"]]);
});

test("ten thousand events are a tree in no time that anybody notices", () => {
  const lines = Array.from({ length: 10_000 }, (_, n): Told => ["log", { message: `${n}` }]);
  const events = eventsOf(["step", { step: 1 }], ...lines);
  expect(rowsOf(treeOf(events), new Set())).toHaveLength(10_001);
});

test("the last progress counts, within its bounds", () => {
  expect(advanceOf([])).toEqual({ fraction: undefined, message: "" });
  const events = eventsOf(
    ["progress", { fraction: 0.2, message: "a" }],
    ["progress", { fraction: 1.7, message: "b" }],
    ["log", { message: "c" }],
  );
  expect(advanceOf(events)).toEqual({ fraction: 1, message: "b" });
});

test("a question is open until it is decided", () => {
  const asked: Told = [
    "approval_required",
    { approval_id: "a", tool_name: "pay", tool_input: { n: 1 } },
  ];
  const decided: Told = ["approval_decided", { approval_id: "a", status: "denied", reason: "no" }];
  expect(questionsOf(eventsOf(asked))).toMatchObject([{ id: "a", tool: "pay", input: { n: 1 } }]);
  expect(questionsOf(eventsOf(asked, decided))).toEqual([]);
  expect(treeOf(eventsOf(asked, decided))[0]).toMatchObject({
    title: "pay: denied",
    text: "no",
    isOpen: false,
  });
});
