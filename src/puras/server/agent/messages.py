"""A conversation, as it is kept between turns: plain JSON, with no model library in it.

A message of a model carries the provider's own form of it in `raw`, which goes back to the same
provider as it came (signatures of thinking, ids of calls); nobody else reads it.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, TypedDict


class FilePart(TypedDict):
    """A file that a model may look at; its bytes are read from the drive at each request."""

    drive_path: str
    mime: str


class ToolCall(TypedDict):
    """A tool that a model asks for; `input` is the JSON object that it gave, unchecked."""

    id: str
    name: str
    input: dict[str, Any]


class ToolResult(TypedDict):
    """What a tool answered: a text for the model, and files for it to see."""

    tool_call_id: str
    name: str
    ok: bool
    text: str
    files: list[FilePart]


class UserMessage(TypedDict):
    role: Literal["user"]
    text: str
    files: list[FilePart]


class ModelMessage(TypedDict):
    """A model's turn. `model` is the slug that answered."""

    role: Literal["model"]
    model: str
    text: str
    tool_calls: list[ToolCall]
    raw: Any


class ToolsMessage(TypedDict):
    role: Literal["tools"]
    results: list[ToolResult]


Message: TypeAlias = UserMessage | ModelMessage | ToolsMessage
