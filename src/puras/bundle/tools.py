"""The tools of an agentic skill: its own, the built-in ones, and the rules about both."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

from puras.bundle.entrypoints import find_function
from puras.bundle.faults import Findings, did_you_mean
from puras.bundle.schema import schema_faults
from puras.bundle.skill_keys import (
    Check,
    check_fields,
    is_count,
    is_flag,
    is_model,
    is_text,
    is_texts,
)
from puras.errors import SkillPathError
from puras.skill_path import parse

BUILT_IN_TOOLS: Final = (
    "bash",
    "file_read",
    "file_write",
    "file_edit",
    "web_fetch",
    "download_url",
    "drive_url",
    "todo_write",
    "generate_image",
    "generate_video",
    "generate_audio",
    "transcribe",
    "run_subagent",
    "describe_subagent",
    "memory_search",
    "memory_get",
    "memory_put",
    "memory_forget",
    "set_output",
)

_TOOL_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def _any(value: Any) -> str | None:
    return None


_FUNCTION_TOOL: Mapping[str, Check] = {
    "name": is_text,
    "description": is_text,
    "entrypoint": is_text,
    "input_schema": _any,
    "output_schema": _any,
    "confirm": is_flag,
}
_SKILL_TOOL: Mapping[str, Check] = {
    "name": is_text,
    "skill": is_text,
    "description": is_text,
    "confirm": is_flag,
}
_ROUTING: Mapping[str, Check] = {"escalate_to": is_model, "on": is_texts, "after": is_count}


def check_tools(
    fields: Mapping[str, Any], *, folder: Path, skills: Collection[str], findings: Findings
) -> None:
    """Note what is wrong with `tools` and with the keys that speak of tools.

    `skills` are the names that a tool of this skill may call: its siblings and its subskills.
    """
    tools = fields.get("tools", [])
    if not isinstance(tools, list):
        findings.add("write a list of tools", "tools")
        tools = []
    names: list[str] = []
    for index, tool in enumerate(tools):
        _check_tool(tool, index, folder=folder, skills=skills, findings=findings)
        name = tool.get("name") if isinstance(tool, dict) else None
        if isinstance(name, str):
            _check_name(name, index, taken=names, findings=findings)
            names.append(name)
    known = [*BUILT_IN_TOOLS, *names]
    _check_allowed(fields.get("allowed_tools", []), known, findings)
    _check_limits(fields.get("tool_limits", {}), known, findings)
    if "routing" in fields:
        _check_routing(fields["routing"], findings)


def _check_tool(
    tool: Any, index: int, *, folder: Path, skills: Collection[str], findings: Findings
) -> None:
    calls_skill = isinstance(tool, dict) and "skill" in tool
    known = _SKILL_TOOL if calls_skill else _FUNCTION_TOOL
    if not check_fields(tool, "tools", index, known=known, findings=findings):
        return
    required = ("name", "skill") if calls_skill else ("name", "description", "entrypoint")
    for key in required:
        if key not in tool:
            findings.add(f"the tool needs `{key}`", "tools", index)
    if calls_skill:
        _check_skill(tool["skill"], index, skills=skills, findings=findings)
    elif isinstance(tool.get("entrypoint"), str):
        find_function(
            tool["entrypoint"], "tools", index, "entrypoint", folder=folder, findings=findings
        )
    for key in ("input_schema", "output_schema"):
        if key in tool and not calls_skill:
            findings.add_all(schema_faults(tool[key]), "tools", index, key)


def _check_name(name: str, index: int, *, taken: list[str], findings: Findings) -> None:
    steps = ("tools", index, "name")
    if not _TOOL_NAME.fullmatch(name):
        findings.add("a tool's name has 1 to 64 letters, digits, `_` and `-`", *steps)
    elif name in BUILT_IN_TOOLS:
        findings.add(f"`{name}` is a built-in tool: choose another name", *steps)
    elif name in taken:
        findings.add(f"there are two tools `{name}`: rename one", *steps)


def _check_skill(
    reference: Any, index: int, *, skills: Collection[str], findings: Findings
) -> None:
    if not isinstance(reference, str):
        return
    steps = ("tools", index, "skill")
    try:
        path = parse(reference)
    except SkillPathError as error:
        findings.add(str(error), *steps)
        return
    if path.skillpack is None and path.skill not in skills:
        hint = did_you_mean(path.skill, skills) or ": name a skill of this bundle or a full path"
        findings.add(f"there is no skill `{path.skill}`{hint}", *steps)


def _check_allowed(allowed: Any, known: list[str], findings: Findings) -> None:
    for index, name in enumerate(allowed if isinstance(allowed, list) else []):
        if isinstance(name, str) and name not in known:
            _note_unknown(name, "allowed_tools", index, known=known, findings=findings)


def _check_limits(limits: Any, known: list[str], findings: Findings) -> None:
    if not isinstance(limits, dict):
        findings.add("write a mapping from tools to counts, such as `bash: 20`", "tool_limits")
        return
    for name, limit in limits.items():
        if name not in known:
            _note_unknown(name, "tool_limits", name, known=known, findings=findings)
        elif message := is_count(limit):
            findings.add(message, "tool_limits", name)


def _note_unknown(name: str, *steps: str | int, known: Collection[str], findings: Findings) -> None:
    hint = did_you_mean(name, known) or ": name a built-in tool or one of `tools`"
    findings.add(f"there is no tool `{name}`{hint}", *steps)


def _check_routing(routing: Any, findings: Findings) -> None:
    if not check_fields(routing, "routing", known=_ROUTING, findings=findings):
        return
    if "escalate_to" not in routing:
        findings.add("the routing needs `escalate_to`: the model to go over to", "routing")
    reasons = routing.get("on", [])
    for index, reason in enumerate(reasons if isinstance(reasons, list) else []):
        if reason != "schema_fail":
            findings.add("the one reason there is, is `schema_fail`", "routing", "on", index)
