"""From our messages to those of the library, files included."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic_ai.messages import (
    BinaryContent,
    ModelMessage,
    ModelMessagesTypeAdapter,
    ModelRequest,
    ModelRequestPart,
    ModelResponse,
    ModelResponsePart,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserContent,
    UserPromptPart,
)

from puras.server.agent.messages import FilePart, ToolResult

_IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})


def conversation(question: Mapping[str, Any]) -> list[ModelMessage]:
    """Return the messages of a question, with its system prompt as instructions."""
    messages: list[ModelMessage] = []
    for message in question["messages"]:
        if message["role"] == "model":
            messages.append(_response(message, question["provider"]))
            continue
        parts = list(_parts(message, question))
        if messages and isinstance(messages[-1], ModelRequest):
            parts = [*messages.pop().parts, *parts]
        messages.append(ModelRequest(parts=parts, instructions=question["system"] or None))
    return messages


def _response(message: Mapping[str, Any], provider: str) -> ModelResponse:
    """Return a turn as the provider gave it, or, where another one did, what it came to."""
    raw = message["raw"]
    if isinstance(raw, Mapping) and raw.get("provider") == provider:
        found = ModelMessagesTypeAdapter.validate_python([raw["response"]])[0]
        assert isinstance(found, ModelResponse)
        return found
    parts: list[ModelResponsePart] = [TextPart(message["text"])] if message["text"] else []
    parts += [
        ToolCallPart(call["name"], call["input"], tool_call_id=call["id"])
        for call in message["tool_calls"]
    ]
    return ModelResponse(parts=parts)


def _parts(message: Mapping[str, Any], question: Mapping[str, Any]) -> Iterator[ModelRequestPart]:
    if message["role"] == "user":
        yield UserPromptPart([message["text"], *_files(message["files"], question)])
        return
    for result in message["results"]:
        yield _tool_return(result, question)


def _tool_return(result: ToolResult, question: Mapping[str, Any]) -> ToolReturnPart:
    files = _files(result["files"], question)
    texts = [result["text"], *(file for file in files if isinstance(file, str))]
    shown = [file for file in files if not isinstance(file, str)]
    text = "\n".join(texts)
    content: Any = [text, *shown] if shown else text
    return ToolReturnPart(
        result["name"],
        content,
        tool_call_id=result["tool_call_id"],
        outcome="success" if result["ok"] else "failed",
    )


def _files(files: Sequence[FilePart], question: Mapping[str, Any]) -> list[UserContent]:
    return [_file(file, question) for file in files]


def _file(file: FilePart, question: Mapping[str, Any]) -> UserContent:
    content = question["files"].get(file["drive_path"])
    if content is None:
        return f"[The file {file['drive_path']} ({file['mime']}) is not at hand any more.]"
    if not _is_shown(file["mime"], question):
        return f"[The file {file['drive_path']} ({file['mime']}) can't be shown to this model.]"
    return BinaryContent(base64.b64decode(content), media_type=file["mime"])


def _is_shown(mime: str, question: Mapping[str, Any]) -> bool:
    if mime == "application/pdf":
        return bool(question["pdf"])
    return mime in _IMAGES and bool(question["vision"])
