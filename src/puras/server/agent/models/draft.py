"""`local/draft`: the model that needs no key, no network and no luck.

It tries each of the skill's tools once, one a turn, with arguments that fit their schemas, and then
sets an output that fits its own. The same conversation always gets the same answer. Whatever it
says carries `[draft]`, so that nobody takes it for thought.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from puras.server.agent.messages import ToolCall
from puras.server.agent.models.example import example
from puras.server.agent.models.port import ModelAnswer, ModelRequest, ToolSpec
from puras.server.agent.models.seen_files import SeenFiles

DRAFT = "local/draft"
SET_OUTPUT = "set_output"
_BYTES_A_TOKEN = 4


def draft(request: ModelRequest) -> ModelAnswer:
    """Answer one turn."""
    tool = _next_tool(request)
    if tool is None:
        return _answer(request, "[draft] A model would answer here.", [])
    call: ToolCall = {
        "id": f"draft_{len(list(_calls(request))) + 1}",
        "name": tool.name,
        "input": _arguments(tool, request),
    }
    doing = "Setting a made-up output" if tool.name == SET_OUTPUT else f"Trying `{tool.name}`"
    return _answer(request, f"[draft] {doing}.", [call])


def _next_tool(request: ModelRequest) -> ToolSpec | None:
    called = {call["name"] for call in _calls(request)}
    waiting = [tool for tool in request.tools if tool.name not in called]
    for tool in waiting:
        if tool.name != SET_OUTPUT and _is_to_be_tried(tool, request):
            return tool
    return next((tool for tool in waiting if tool.name == SET_OUTPUT), None)


def _is_to_be_tried(tool: ToolSpec, request: ModelRequest) -> bool:
    return request.exercise is None or tool.name in request.exercise


def _calls(request: ModelRequest) -> Iterator[ToolCall]:
    for message in request.messages:
        if message["role"] == "model":
            yield from message["tool_calls"]


def _arguments(tool: ToolSpec, request: ModelRequest) -> dict[str, Any]:
    made = example(tool.input_schema, take_file=SeenFiles(request.system, request.messages).take)
    return made if isinstance(made, dict) else {}


def _answer(request: ModelRequest, text: str, calls: list[ToolCall]) -> ModelAnswer:
    read = json.dumps([request.messages, [dict(tool.input_schema) for tool in request.tools]])
    written = text + json.dumps(calls)
    return ModelAnswer(
        text=text,
        tool_calls=calls,
        raw=None,
        stop_reason="tool_call" if calls else "stop",
        input_tokens=(len(request.system) + len(read)) // _BYTES_A_TOKEN + 1,
        output_tokens=len(written) // _BYTES_A_TOKEN + 1,
        cost_micros=0,
    )
