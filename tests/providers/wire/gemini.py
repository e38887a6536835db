"""Google's generateContent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .say import Say, new_id

_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
}


def answer(say: Say, asked: Mapping[str, Any]) -> dict[str, Any]:
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
        "responseId": new_id("gemini"),
    }


def failure(status: int, message: str) -> dict[str, Any]:
    kind = _STATUSES.get(status, "INTERNAL")
    return {"error": {"code": status, "message": message, "status": kind}}
