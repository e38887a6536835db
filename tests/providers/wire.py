"""What the providers' endpoints answer, as their public documentation shows it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Say:
    """A model's turn: a text, and calls as pairs of a tool's name and its input (a text is sent as
    it is, where a provider takes texts). `input_tokens` are all of them, `cached_tokens` included,
    and `written_tokens` of them went into a cache."""

    text: str = ""
    calls: list[tuple[str, Mapping[str, Any] | str]] = field(default_factory=list)
    input_tokens: int = 100
    output_tokens: int = 20
    cached_tokens: int = 0
    written_tokens: int = 0
    thinking: str | None = None
    stop: str | None = None


def _new(prefix: str) -> str:
    return f"{prefix}_{next(_numbers):08d}"


def _text(value: Mapping[str, Any] | str) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def anthropic(say: Say, asked: Mapping[str, Any]) -> dict[str, Any]:
    content: list[dict[str, Any]] = []
    if say.thinking is not None:
        signature = f"signature-of-{say.thinking}"
        content.append({"type": "thinking", "thinking": say.thinking, "signature": signature})
    if say.text:
        content.append({"type": "text", "text": say.text})
    content += [
        {"type": "tool_use", "id": _new("toolu"), "name": name, "input": value}
        for name, value in say.calls
    ]
    hour = any("1h" in json.dumps(part) for part in (asked.get("system"), asked.get("tools")))
    kinds = {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0}
    kinds[f"ephemeral_{'1h' if hour else '5m'}_input_tokens"] = say.written_tokens
    return {
        "id": _new("msg"),
        "type": "message",
        "role": "assistant",
        "model": asked["model"],
        "content": content,
        "stop_reason": say.stop or ("tool_use" if say.calls else "end_turn"),
        "stop_sequence": None,
        "usage": {
            "input_tokens": say.input_tokens - say.cached_tokens - say.written_tokens,
            "cache_read_input_tokens": say.cached_tokens,
            "cache_creation_input_tokens": say.written_tokens,
            "cache_creation": kinds,
            "output_tokens": say.output_tokens,
            "service_tier": "standard",
        },
    }


def openai_responses(say: Say, asked: Mapping[str, Any]) -> dict[str, Any]:
    output: list[dict[str, Any]] = []
    if say.thinking is not None:
        summary = [{"type": "summary_text", "text": say.thinking}]
        output.append({"type": "reasoning", "id": _new("rs"), "summary": summary})
    if say.text:
        part = {"type": "output_text", "text": say.text, "annotations": [], "logprobs": []}
        output.append(
            {
                "type": "message",
                "id": _new("msg"),
                "status": "completed",
                "role": "assistant",
                "content": [part],
            }
        )
    output += [
        {
            "type": "function_call",
            "id": _new("fc"),
            "call_id": _new("call"),
            "status": "completed",
            "name": name,
            "arguments": _text(value),
        }
        for name, value in say.calls
    ]
    return {
        "id": _new("resp"),
        "object": "response",
        "created_at": 1_764_000_000,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "instructions": asked.get("instructions"),
        "model": asked["model"],
        "output": output,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": asked.get("tools", []),
        "temperature": 1.0,
        "top_p": 1.0,
        "metadata": {},
        "usage": {
            "input_tokens": say.input_tokens,
            "input_tokens_details": {"cached_tokens": say.cached_tokens},
            "output_tokens": say.output_tokens,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": say.input_tokens + say.output_tokens,
        },
    }


def openai_chat(say: Say, asked: Mapping[str, Any]) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": say.text or None, "refusal": None}
    if say.calls:
        message["tool_calls"] = [
            {
                "id": _new("call"),
                "type": "function",
                "function": {"name": name, "arguments": _text(value)},
            }
            for name, value in say.calls
        ]
    reason = say.stop or ("tool_calls" if say.calls else "stop")
    return {
        "id": _new("chatcmpl"),
        "object": "chat.completion",
        "created": 1_764_000_000,
        "model": asked["model"],
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": reason}],
        "usage": {
            "prompt_tokens": say.input_tokens,
            "completion_tokens": say.output_tokens,
            "total_tokens": say.input_tokens + say.output_tokens,
            "prompt_tokens_details": {"cached_tokens": say.cached_tokens},
        },
    }


def openrouter(say: Say, asked: Mapping[str, Any]) -> dict[str, Any]:
    answer = openai_chat(say, asked)
    answer["choices"][0]["native_finish_reason"] = answer["choices"][0]["finish_reason"]
    return {**answer, "provider": "Anthropic"}


def gemini(say: Say, asked: Mapping[str, Any]) -> dict[str, Any]:
    parts: list[dict[str, Any]] = [{"text": say.text}] if say.text else []
    parts += [{"functionCall": {"name": name, "args": value}} for name, value in say.calls]
    return {
        "candidates": [
            {
                "content": {"parts": parts, "role": "model"},
                "finishReason": say.stop or "STOP",
                "index": 0,
            }
        ],
        "usageMetadata": {
            "promptTokenCount": say.input_tokens,
            "cachedContentTokenCount": say.cached_tokens,
            "candidatesTokenCount": say.output_tokens,
            "totalTokenCount": say.input_tokens + say.output_tokens,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": say.input_tokens}],
        },
        "modelVersion": asked.get("model", "gemini"),
        "responseId": _new("gemini"),
    }


def failure(path: str, status: int, message: str) -> dict[str, Any]:
    """Return the body of an error, in the form of the provider that the path belongs to."""
    if path.startswith("/v1/messages"):
        kind = _ANTHROPIC_ERRORS.get(status, "api_error")
        return {"type": "error", "error": {"type": kind, "message": message}}
    if ":generateContent" in path:
        kind = _GOOGLE_ERRORS.get(status, "INTERNAL")
        return {"error": {"code": status, "message": message, "status": kind}}
    if path.startswith("/api/v1"):
        return {"error": {"code": status, "message": message}}
    return {"error": {"message": message, "type": "error", "param": None, "code": None}}


_ANTHROPIC_ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    404: "not_found_error",
    429: "rate_limit_error",
    529: "overloaded_error",
}
_GOOGLE_ERRORS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
}

Shape = Callable[[Say, Mapping[str, Any]], dict[str, Any]]


def shape_for(path: str) -> Shape:
    """Return how the endpoint at a path answers."""
    if path.startswith("/v1/messages"):
        return anthropic
    if path.startswith("/api/v1/chat/completions"):
        return openrouter
    if path.startswith("/v1/responses"):
        return openai_responses
    if path.startswith("/v1/chat/completions"):
        return openai_chat
    if ":generateContent" in path:
        return gemini
    raise LookupError(f"no provider answers at {path}")
