"""From a provider's response to an answer of ours."""

from __future__ import annotations

from typing import Any

from pydantic_ai.messages import ModelMessagesTypeAdapter, ModelResponse, TextPart, ToolCallPart


def answer_of(response: ModelResponse, *, provider: str) -> dict[str, Any]:
    """Return text, calls, tokens, and the response itself as JSON, to be sent back as it came."""
    calls = [part for part in response.parts if isinstance(part, ToolCallPart)]
    usage = response.usage
    return {
        "text": "".join(part.content for part in response.parts if isinstance(part, TextPart)),
        "tool_calls": [
            {"id": part.tool_call_id, "name": part.tool_name, "input": part.args_as_dict()}
            for part in calls
        ],
        "raw": {"provider": provider, "response": _kept(response)},
        "stop_reason": _stop_reason(response, calls=bool(calls)),
        "tokens": {
            "input": usage.input_tokens,
            "output": usage.output_tokens,
            "cache_read": usage.cache_read_tokens,
            "cache_write": usage.cache_write_tokens,
            "cache_write_1h": usage.cache_write_1h_tokens,
        },
    }


def _kept(response: ModelResponse) -> dict[str, Any]:
    """Return what the provider has to be sent again: nothing that is empty, or only counted."""
    kept: dict[str, Any] = ModelMessagesTypeAdapter.dump_python(
        [response], mode="json", exclude_none=True
    )[0]
    return {key: value for key, value in kept.items() if key not in ("usage", "timestamp")}


def _stop_reason(response: ModelResponse, *, calls: bool) -> str:
    # Some providers say `stop` whether tools are called or not.
    reason = response.finish_reason or "stop"
    return "tool_call" if calls and reason == "stop" else reason
