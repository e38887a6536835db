"""Lets a run use its tools: once each, side by side where that is safe, within their limits.

A call is recorded as begun before the tool runs and as done with its reply. A later attempt gets
the reply; where a call was begun and no more is known, a tool that may repeat runs again, and of
any other the model is told that the outcome is unknown.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from puras.server.agent.messages import ToolCall, ToolResult
from puras.server.agent.toolbox import Reply, Tool, ToolUse
from puras.server.approvals.ask import Answers
from puras.server.jobs.calls import CallKey
from puras.server.refusals import Refused
from puras.server.worker.recorder import Doing, Done
from puras.server.worker.run import Run

MOST_AT_ONCE = 8
_PREVIEW_CHARACTERS = 2000
_UNKNOWN = (
    "the worker was lost while this call was being made, so its outcome is not known: check "
    "whether it took effect before you make it again"
)


@dataclass(slots=True)
class Uses:
    """The tools of one run. `limits` bound how often each may be used; `decided` are the answers
    of people to calls that need one."""

    run: Run
    tools: Mapping[str, Tool]
    limits: Mapping[str, int]
    decided: Answers
    _used: Counter[str] = field(default_factory=Counter)

    def asks(self, calls: Collection[ToolCall], *, step: int) -> list[ToolCall]:
        """Return the calls that a person has to decide on first."""
        return [
            call
            for call in _distinct(calls)
            if (tool := self.tools.get(call["name"])) is not None
            and tool.confirm
            and (step, call["id"]) not in self.decided
        ]

    async def make(self, calls: Collection[ToolCall], *, step: int) -> list[ToolResult]:
        """Make the calls of one turn and return their results in the same order.

        Raises:
            Refused: `cost_limit`.
        """
        free = asyncio.Semaphore(MOST_AT_ONCE)
        locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        refusals = [self._refusal(call, step=step) for call in calls]
        once = _distinct(calls)

        async def one(call: ToolCall, refusal: str | None) -> ToolResult:
            if not any(call is other for other in once):
                return _repeated(call)
            tool = self.tools.get(call["name"])
            lock = locks[tool.mutates if tool and tool.mutates else f"call {call['id']}"]
            async with lock, free:
                return await self._recorded(tool, call, step=step, refusal=refusal)

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(one(call, refusal))
                    for call, refusal in zip(calls, refusals, strict=True)
                ]
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None
        return [task.result() for task in tasks]

    def _refusal(self, call: ToolCall, *, step: int) -> str | None:
        """Return why a call may not be made, as a sentence for the model."""
        name = call["name"]
        if name not in self.tools:
            return f"there is no tool `{name}`: the tools are {', '.join(sorted(self.tools))}"
        self._used[name] += 1
        if (limit := self.limits.get(name)) is not None and self._used[name] > limit:
            return f"`{name}` may be used {limit} times in a run, and was: go on without it"
        status, reason = self.decided.get((step, call["id"]), ("approved", None))
        if status != "approved":
            because = f": {reason}" if reason else ""
            return f"this call was {status} by the people in charge{because}; go on without it"
        return None

    async def _recorded(
        self, tool: Tool | None, call: ToolCall, *, step: int, refusal: str | None
    ) -> ToolResult:
        key = CallKey("tool", call["id"], step)
        begun = {"tool_call_id": call["id"], "name": call["name"], "input": call["input"]}
        result: ToolResult = await self.run.recorder.perform(
            key,
            lambda doing: self._use(doing, tool, call, key=key, refusal=refusal),
            events=[self.run.host.event("tool_call", begun)],
        )
        return result

    async def _use(
        self, doing: Doing, tool: Tool | None, call: ToolCall, *, key: CallKey, refusal: str | None
    ) -> Done:
        if refusal is not None or tool is None:
            reply = Reply(refusal or "there is no such tool", ok=False)
        elif doing.again and not tool.repeats:
            reply = Reply(_UNKNOWN, ok=False)
        else:
            reply = await self._reply(tool, call, key=key)
        result = ToolResult(
            tool_call_id=call["id"],
            name=call["name"],
            ok=reply.ok,
            text=self.run.host.masker.text(reply.text),
            files=reply.files,
        )
        return Done(result, events=[self.run.host.event("tool_result", _told(result, reply))])

    async def _reply(self, tool: Tool, call: ToolCall, *, key: CallKey) -> Reply:
        trace = self.run.trace
        span = trace.begin("tool", tool.spec.name, parent=trace.inside)
        use = ToolUse(call["id"], call["name"], call["input"], key, span.span_id)
        try:
            reply = await tool.use(use)
        except Refused as refusal:
            if refusal.code in ("cost_limit", "job_not_found"):
                raise
            reply = Reply(_refused(refusal), ok=False)
        await trace.end(span, ok=reply.ok)
        return reply


def _distinct(calls: Collection[ToolCall]) -> list[ToolCall]:
    """Return the calls without those that bear the id of an earlier one of the same turn: their
    records, and what people said of them, could not be told apart."""
    first: dict[str, ToolCall] = {}
    for call in calls:
        first.setdefault(call["id"], call)
    return list(first.values())


def _repeated(call: ToolCall) -> ToolResult:
    text = "another call of this turn has the same id, so this one was not made: make it again"
    return ToolResult(tool_call_id=call["id"], name=call["name"], ok=False, text=text, files=[])


def _refused(refusal: Refused) -> str:
    faults = [f"{fault['path']}: {fault['message']}" for fault in refusal.errors or []]
    return "\n".join([refusal.detail, *faults])


def _told(result: ToolResult, reply: Reply) -> dict[str, Any]:
    told = {
        "tool_call_id": result["tool_call_id"],
        "name": result["name"],
        "ok": reply.ok,
        "preview": result["text"][:_PREVIEW_CHARACTERS],
        "drive_path": reply.drive_path,
        "cost_micros": reply.cost_micros,
    }
    return {name: value for name, value in told.items() if value is not None}
