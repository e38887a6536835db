"""Anthropic's Messages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .say import Say, new_id

_KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    404: "not_found_error",
    429: "rate_limit_error",
    529: "overloaded_error",
}


def answer(say: Say, asked: Mapping[str, Any]) -> dict[str, Any]:
    content: list[dict[str, Any]] = []
    if say.thinking is not None:
        signature = f"signature-of-{say.thinking}"
        content.append({"type": "thinking", "thinking": say.thinking, "signature": signature})
    if say.text:
        content.append({"type": "text", "text": say.text})
    content += [
        {"type": "tool_use", "id": new_id("toolu"), "name": name, "input": value}
        for name, value in say.calls
    ]
    hour = any("1h" in json.dumps(part) for part in (asked.get("system"), asked.get("tools")))
    kinds = {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0}
    kinds[f"ephemeral_{'1h' if hour else '5m'}_input_tokens"] = say.written_tokens
    return {
        "id": new_id("msg"),
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


def failure(status: int, message: str) -> dict[str, Any]:
    kind = _KINDS.get(status, "api_error")
    return {"type": "error", "error": {"type": kind, "message": message}}
