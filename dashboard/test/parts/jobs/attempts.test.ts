import type { JobEvent } from "puras";
import { expect, test } from "vitest";
import { attemptsOf, childrenOf } from "../../../src/jobs/attempts";

function log(...told: [type: string, payload: Record<string, unknown>][]): JobEvent[] {
  return told.map(([type, payload], index) => ({
    id: index + 1,
    ts: `t${index + 1}`,
    type,
    payload,
  }));
}

test("each time that it runs is an attempt, ended by the status that follows", () => {
  const events = log(
    ["status", { status: "queued" }],
    ["status", { status: "running", attempt: 1 }],
    ["log", { message: "hello" }],
    ["status", { status: "queued" }],
    ["status", { status: "running", attempt: 2 }],
    ["status", { status: "succeeded" }],
  );
  expect(attemptsOf(events)).toEqual([
    { number: 1, startedAt: "t2", endedAt: "t4", outcome: "queued" },
    { number: 2, startedAt: "t5", endedAt: "t6", outcome: "succeeded" },
  ]);
});

test("an attempt that the next one follows at once was lost; the last one goes on", () => {
  const events = log(
    ["status", { status: "running", attempt: 1 }],
    ["status", { status: "running", attempt: 2 }],
  );
  expect(attemptsOf(events).map(({ outcome, endedAt }) => [outcome, endedAt])).toEqual([
    ["lost", "t2"],
    ["running", undefined],
  ]);
});

test("what a subagent tells of itself is no attempt of the job", () => {
  const events = log(["status", { status: "running", ctx: { job_id: "child" } }]);
  expect(attemptsOf(events)).toEqual([]);
});

test("the jobs that it started are listed once, with how they ended", () => {
  const events = log(
    ["subagent_start", { job_id: "a", label: "research" }],
    ["subagent_start", { job_id: "b", label: "write", ctx: { job_id: "a" } }],
    ["subagent_end", { job_id: "b", status: "failed" }],
  );
  expect(childrenOf(events)).toEqual([
    { jobId: "a", label: "research", status: undefined },
    { jobId: "b", label: "write", status: "failed" },
  ]);
});
