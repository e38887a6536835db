import { expect, test } from "vitest";
import type { Span } from "wire";
import { waterfall } from "../../../src/jobs/spans";

const START = Date.parse("2030-01-01T00:00:00Z");

function span(id: string, fromMs: number, tookMs: number | null, parent: string | null): Span {
  return {
    trace_id: "t",
    span_id: id,
    parent_span_id: parent,
    kind: "step",
    name: id,
    started_at: new Date(START + fromMs).toISOString(),
    duration_ms: tookMs,
    attributes: {},
  };
}

test("parents come before what is inside of them, each in the order of their beginning", () => {
  const bars = waterfall(
    [
      span("late", 50, 10, "run"),
      span("inside", 20, 5, "early"),
      span("early", 10, 20, "run"),
      span("run", 0, 100, null),
    ],
    START + 100,
  );
  expect(bars.map((bar) => [bar.span.name, bar.depth])).toEqual([
    ["run", 0],
    ["early", 1],
    ["inside", 2],
    ["late", 1],
  ]);
});

test("a bar stands where its time is in the whole", () => {
  const [, half] = waterfall([span("run", 0, 200, null), span("half", 50, 100, "run")], START);
  expect(half).toMatchObject({ beganMs: 50, tookMs: 100, left: 0.25, width: 0.5, isOpen: false });
});

test("a span that is not over reaches to the present", () => {
  const [run] = waterfall([span("run", 0, null, null)], START + 400);
  expect(run).toMatchObject({ tookMs: 400, width: 1, isOpen: true });
});

test("a span whose parent is another job's stands at the top", () => {
  const [run] = waterfall([span("run", 0, 1, "of the job above")], START);
  expect(run?.depth).toBe(0);
});
