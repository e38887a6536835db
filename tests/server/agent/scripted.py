"""A model that says what a test wrote down, and skills for it to run."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from puras.server.agent.messages import ToolCall
from puras.server.agent.models.port import ModelAnswer, ModelFailed, ModelRequest
from puras.server.settings import Settings

from ..jobs.bench import Skill

Said: TypeAlias = ModelAnswer | Callable[[ModelRequest], ModelAnswer]

OUTPUT = {"type": "object", "properties": {"answer": {"type": "string"}}}


def agent(name: str, code: str = "", **more: Any) -> Skill:
    """Return an agentic skill; `code` is that of its own tools, in `tools.py`."""
    return AgentSkill(name, code, more={"output_schema": OUTPUT, **more})


@dataclass(frozen=True)
class AgentSkill(Skill):
    def files(self) -> dict[str, str]:
        described = {
            "description": f"It can {self.name}.",
            "entrypoint": "SKILL.md",
            "input_schema": {"type": "object", "properties": dict(self.properties)},
            **self.more,
        }
        return {
            f"{self.name}/skill.yaml": json.dumps(described),
            f"{self.name}/SKILL.md": f"Do what {self.name} says.",
            f"{self.name}/tools.py": self.code,
        }


def calls(*asked: tuple[str, Mapping[str, Any]], text: str = "", step: int = 0) -> ModelAnswer:
    """Return a turn that asks for tools, with ids that no other turn of the script has."""
    tool_calls = [
        ToolCall(id=f"call-{step}-{number}", name=name, input=dict(given))
        for number, (name, given) in enumerate(asked)
    ]
    return ModelAnswer(text, tool_calls, None, "tool_use", 100, 10, 500)


def output(answer: str = "42", *, step: int = 99) -> ModelAnswer:
    return calls(("set_output", {"answer": answer}), step=step)


def says(text: str) -> ModelAnswer:
    return ModelAnswer(text, [], None, "end_turn", 100, 10, 500)


@dataclass
class ScriptedModels:
    """Answers turn after turn from the script, by how many turns the conversation has had.

    `fails` is raised instead of an answer; `holding` keeps an answer back until it is set.
    """

    script: Sequence[Said]
    bound_micros: int = 1000
    fails: ModelFailed | None = None
    requests: list[ModelRequest] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    holding: dict[int, asyncio.Event] = field(default_factory=dict)
    default: str = "scripted/model"

    def known(self, slug: str) -> str | None:
        return None

    def bound(self, request: ModelRequest) -> int:
        return self.bound_micros if (request.max_output_tokens or 0) > 256 else 100

    async def answer(self, request: ModelRequest) -> ModelAnswer:
        self.requests.append(request)
        self.asked.set()
        turn = sum(message["role"] == "model" for message in request.messages)
        if (held := self.holding.get(turn)) is not None:
            await held.wait()
        if self.fails is not None:
            raise self.fails
        said = self.script[min(turn, len(self.script) - 1)]
        return said if isinstance(said, ModelAnswer) else said(request)

    @asynccontextmanager
    async def open(
        self, settings: Settings, environment: Mapping[str, str]
    ) -> AsyncIterator[ScriptedModels]:
        yield self
