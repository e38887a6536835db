"""OpenAI's Responses, and the Chat Completions that many others speak too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .say import Say, as_text, new_id


def responses(say: Say, asked: Mapping[str, Any]) -> dict[str, Any]:
    output: list[dict[str, Any]] = []
    if say.thinking is not None:
        summary = [{"type": "summary_text", "text": say.thinking}]
        output.append({"type": "reasoning", "id": new_id("rs"), "summary": summary})
    if say.text:
        part = {"type": "output_text", "text": say.text, "annotations": [], "logprobs": []}
        output.append(
            {
                "type": "message",
                "id": new_id("msg"),
                "status": "completed",
                "role": "assistant",
                "content": [part],
            }
        )
    output += [
        {
            "type": "function_call",
            "id": new_id("fc"),
            "call_id": new_id("call"),
            "status": "completed",
            "name": name,
            "arguments": as_text(value),
        }
        for name, value in say.calls
    ]
    return {
        "id": new_id("resp"),
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


def chat(say: Say, asked: Mapping[str, Any]) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": say.text or None, "refusal": None}
    if say.calls:
        message["tool_calls"] = [
            {
                "id": new_id("call"),
                "type": "function",
                "function": {"name": name, "arguments": as_text(value)},
            }
            for name, value in say.calls
        ]
    reason = say.stop or ("tool_calls" if say.calls else "stop")
    return {
        "id": new_id("chatcmpl"),
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


def failure(status: int, message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": "error", "param": None, "code": None}}
