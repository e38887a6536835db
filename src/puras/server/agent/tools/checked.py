"""Makes tools whose input is checked before they are used: the model hears of every fault."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from puras.bundle.schema import Checker, compile_schema, fill_defaults
from puras.bundle.tool_schema import tool_schema
from puras.server.agent.models.port import ToolSpec
from puras.server.agent.toolbox import Reply, Tool, ToolUse, Use
from puras.wire import Fault


def checked_tool(
    name: str,
    description: str,
    schema: Mapping[str, Any],
    use: Use,
    *,
    mutates: str | None = None,
    confirm: bool = False,
    repeats: bool = True,
) -> Tool:
    """Return a tool that is used with inputs that fit its schema, defaults filled in."""
    checker = compile_schema(schema)

    async def use_checked(given: ToolUse) -> Reply:
        return await _use(given, checker=checker, schema=schema, use=use)

    return Tool(
        ToolSpec(name, description, tool_schema(schema)),
        use_checked,
        mutates=mutates,
        confirm=confirm,
        repeats=repeats,
    )


def takes(required: Mapping[str, Any], optional: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the schema of an input with these properties and no others."""
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        "additionalProperties": False,
    }


def told(faults: list[Fault]) -> str:
    """Put faults into lines."""
    return "\n".join(f"{fault['path']}: {fault['message']}" for fault in faults)


async def _use(given: ToolUse, *, checker: Checker, schema: Mapping[str, Any], use: Use) -> Reply:
    filled = fill_defaults(schema, given.input)
    if faults := checker.violations(filled):
        return Reply(f"the input does not fit; nothing was done:\n{told(faults)}", ok=False)
    whole = ToolUse(given.tool_call_id, given.name, filled, given.key, given.span)
    return await use(whole)
