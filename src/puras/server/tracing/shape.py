"""What a span is called for OpenTelemetry: as its conventions for generative AI have it.

    run of an agent     invoke_agent <skill>
    turn of a model     chat <model>
    tool, subagent      execute_tool <name>

Nothing that was said is in it: no inputs, no results, no prompts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from puras.server.db.database import Row
from puras.server.spans.store import Span

Value: TypeAlias = str | int | float | bool
_PROVIDERS: Final = {"google": "gcp.gemini"}
_TOLD: Final = {
    "input_tokens": "gen_ai.usage.input_tokens",
    "output_tokens": "gen_ai.usage.output_tokens",
}
"""Attributes of ours that have a name there; the others begin with `puras.`."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A name, whether it asks somebody else (`client`), what it tells, and what went wrong."""

    name: str
    client: bool = False
    attributes: Mapping[str, Value] = field(default_factory=dict)
    error: str | None = None


def shape(span: Span, row: Row) -> Shape:
    """Describe a span of a job's row."""
    name, more = _named(span, row)
    told = {
        "puras.job.id": row["id"],
        "puras.job.attempt": row["attempt"],
        "puras.workspace.id": row["workspace_id"],
        **more,
    }
    for key, value in span.attributes.items():
        if isinstance(value, (str, int, float)):
            told[_TOLD.get(key, f"puras.{key}")] = value
    error = _error(span)
    if error is not None:
        told["error.type"] = error
    return Shape(name, client=span.kind == "llm", attributes=told, error=error)


def _named(span: Span, row: Row) -> tuple[str, dict[str, Value]]:
    operation = {"gen_ai.operation.name": "", "gen_ai.provider.name": "puras"}
    if span.kind == "llm":
        provider = span.name.partition("/")[0]
        asked = {"gen_ai.request.model": span.name}
        known = {"gen_ai.provider.name": _PROVIDERS.get(provider, provider)}
        return f"chat {span.name}", {**operation, **known, "gen_ai.operation.name": "chat", **asked}
    if span.kind == "tool":
        name = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": span.name}
        return f"execute_tool {span.name}", {**operation, **name}
    if span.kind == "run" and row["type"] == "agentic":
        name = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": span.name}
        return f"invoke_agent {span.name}", {**operation, **name}
    return (f"run {span.name}" if span.kind == "run" else span.name), {}


def _error(span: Span) -> str | None:
    told = span.attributes
    if told.get("error_code") or told.get("error"):
        return str(told.get("error_code") or told["error"])
    failed = told.get("ok") is False or told.get("failed") or told.get("cut_off")
    return "failed" if failed or told.get("status") in ("failed", "lost") else None
