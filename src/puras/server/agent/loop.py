"""The agent's loop: ask, use tools, until the output is there.

    opening → ┌▶ turn ─── tool calls ──▶ uses ──┐
              └────────────────────────────────┘
                   │ set_output that fits            → the result
                   │ no tool call, a third time      → output_invalid
                   └ a person has to decide          → parked

There is no state beside the conversation. A later attempt runs the very same loop: its turns and
tools answer from what was recorded, until it comes to the first one that was not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from puras.bundle import schema as schemas
from puras.bundle.tool_schema import tool_schema
from puras.server.agent import prompt
from puras.server.agent.messages import Message, ModelMessage, ToolCall, ToolResult, ToolsMessage
from puras.server.agent.models.port import ModelRequest, ToolSpec
from puras.server.agent.turns import Turns
from puras.server.agent.uses import Uses
from puras.server.approvals.ask import Ask
from puras.server.worker.spec import Failed, Outcome, Parked, Succeeded
from puras.wire import ManifestSkill

SET_OUTPUT = "set_output"
MAX_STEPS = 250
MOST_REMINDERS = 2
MOST_BAD_OUTPUTS = 10


@dataclass(frozen=True, slots=True)
class Opening:
    """What a run begins with; it is recorded, so that each attempt begins with the same."""

    model: str
    system: str
    messages: list[Message]


@dataclass(frozen=True, slots=True)
class Routing:
    """Which model goes on after how many outputs that did not fit."""

    escalate_to: str | None = None
    after: int = 1

    def model(self, first: str, bad_outputs: int) -> str:
        return self.escalate_to if self.escalate_to and bad_outputs >= self.after else first


@dataclass(slots=True)
class Loop:
    """One run of one agent. `exercise` names the tools that an offline draft tries."""

    skill: ManifestSkill
    opening: Opening
    turns: Turns
    uses: Uses
    routing: Routing = field(default_factory=Routing)
    cache_ttl: Literal["5m", "1h"] = "5m"
    exercise: frozenset[str] = frozenset()
    max_steps: int = MAX_STEPS
    _messages: list[Message] = field(default_factory=list)
    _reminders: int = 0
    _bad_outputs: int = 0

    async def run(self) -> Outcome:
        """Go on until there is an outcome.

        Raises:
            ModelFailed: the model can't answer.
            Refused: `cost_limit`.
        """
        self._messages = list(self.opening.messages)
        for step in range(1, self.max_steps + 1):
            said = await self.turns.ask(self._request(), step=step)
            self._messages.append(said)
            outcome = await self._act(said, step=step)
            if outcome is not None:
                return outcome
        error = f"the agent took {self.max_steps} steps and was not done"
        return Failed("step_limit", error, error)

    def _request(self) -> ModelRequest:
        return ModelRequest(
            model=self.routing.model(self.opening.model, self._bad_outputs),
            system=self.opening.system,
            messages=list(self._messages),
            tools=[*(tool.spec for tool in self.uses.tools.values()), output_tool(self.skill)],
            cache_ttl=self.cache_ttl,
            exercise=self.exercise,
        )

    async def _act(self, said: ModelMessage, *, step: int) -> Outcome | None:
        calls = [call for call in said["tool_calls"] if call["name"] != SET_OUTPUT]
        outputs = [call for call in said["tool_calls"] if call["name"] == SET_OUTPUT]
        if not calls and not outputs:
            return self._remind()
        if asked := self.uses.asks(calls, step=step):
            # The others of this turn run first, and answer from the record when the run goes on.
            await self.uses.make([call for call in calls if call not in asked], step=step)
            return Parked([Ask(call["id"], call["name"], call["input"], step) for call in asked])
        results = await self.uses.make(calls, step=step)
        outcome = None
        for call in outputs:
            outcome, told = self._take_output(call)
            results.append(told)
        self._messages.append(ToolsMessage(role="tools", results=results))
        return outcome

    def _take_output(self, call: ToolCall) -> tuple[Outcome | None, ToolResult]:
        shaped, faults = schemas.shape_output(self.skill["output_schema"], call["input"])
        if not faults:
            return Succeeded(shaped), _output_result(call, "This is the output; the run ends.")
        self._bad_outputs += 1
        told = "\n".join(f"{fault['path']}: {fault['message']}" for fault in faults)
        if self._bad_outputs >= MOST_BAD_OUTPUTS:
            error = (
                f"the agent's output did not fit {self._bad_outputs} times; the last time: {told}"
            )
            return _bad_output(error), _output_result(call, told, ok=False)
        text = (
            f"The output does not fit its schema:\n{told}\nCall `set_output` again with all of it."
        )
        return None, _output_result(call, text, ok=False)

    def _remind(self) -> Outcome | None:
        self._reminders += 1
        if self._reminders > MOST_REMINDERS:
            return _bad_output("the agent stopped without an output, also after two reminders")
        self._messages.append(prompt.reminder())
        return None


def output_tool(skill: ManifestSkill) -> ToolSpec:
    """Return the tool whose input is the run's output."""
    return ToolSpec(
        SET_OUTPUT,
        "End the run with its output. Give all of the fields; files are drive paths or URLs.",
        tool_schema(skill["output_schema"], output=True),
    )


def _output_result(call: ToolCall, text: str, *, ok: bool = True) -> ToolResult:
    return ToolResult(tool_call_id=call["id"], name=SET_OUTPUT, ok=ok, text=text, files=[])


def _bad_output(error: str) -> Failed:
    return Failed("output_invalid", error, "the skill's output is not what its contract says")
