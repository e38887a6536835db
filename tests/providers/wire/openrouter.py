"""OpenRouter's Chat Completions: OpenAI's, and who answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import openai
from .say import Say


def chat(say: Say, asked: Mapping[str, Any]) -> dict[str, Any]:
    answer = openai.chat(say, asked)
    answer["choices"][0]["native_finish_reason"] = answer["choices"][0]["finish_reason"]
    return {**answer, "provider": "Anthropic"}


def failure(status: int, message: str) -> dict[str, Any]:
    return {"error": {"code": status, "message": message}}
