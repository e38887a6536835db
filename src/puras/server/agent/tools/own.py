"""The tools that a skill brings: Python functions, called in the run's isolation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from puras.bundle.schema import compile_schema
from puras.server.agent.hands import Hands
from puras.server.agent.hands_process import Answer
from puras.server.agent.toolbox import Reply, Tool, ToolUse, Use
from puras.server.agent.tools.checked import checked_tool, told
from puras.server.worker.run import Run

MAX_SECONDS = 600.0
MAX_CHARACTERS = 100_000
_ANY_INPUT = {"type": "object"}


def own_tools(run: Run, hands: Hands) -> list[Tool]:
    """Return the skill's tools that are functions; those that are skills are not among them."""
    declared = run.skill["extra"].get("tools", [])
    return [_tool(tool, run, hands) for tool in declared if "entrypoint" in tool]


def _tool(declared: Mapping[str, Any], run: Run, hands: Hands) -> Tool:
    name = declared["name"]
    return checked_tool(
        name,
        declared["description"],
        declared.get("input_schema") or _ANY_INPUT,
        _use(declared, run, hands),
        mutates=f"own:{name}",
        confirm=bool(declared.get("confirm")),
        repeats=False,  # only its author knows what it does outside
    )


def _use(declared: Mapping[str, Any], run: Run, hands: Hands) -> Use:
    file, _, function = declared["entrypoint"].rpartition(":")

    async def use(given: ToolUse) -> Reply:
        key = given.key
        order = {
            "source": file,
            "function": function,
            "input": given.input,
            "scope": f"{key.verb}\0{key.arguments}\0{key.occurrence}",
        }
        answer = await hands.call("own", order, timeout=MAX_SECONDS, changes=True)
        return reply_of(answer, declared.get("output_schema"), run)

    return use


def reply_of(answer: Answer, schema: Mapping[str, Any] | None, run: Run) -> Reply:
    """Return what the model is told of a function's result."""
    if not answer.ok:
        return Reply(answer.text, ok=False)
    value = answer.value
    if schema is not None and (faults := compile_schema(schema).violations(value)):
        return Reply(f"the tool's output does not fit its schema:\n{told(faults)}", ok=False)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = run.host.masker.text(text)
    path = value.get("drive_path") if isinstance(value, dict) else None
    return Reply(_cut(text), drive_path=path if isinstance(path, str) else None)


def _cut(text: str) -> str:
    if len(text) <= MAX_CHARACTERS:
        return text
    return f"{text[:MAX_CHARACTERS]}\n[… cut: the result has {len(text):,} characters]"
