"""The words that an agent works by.

    a one-off prompt              the prompt
    `references/…` of a skill     that file
    a skill                       its `SKILL.md`

Front matter is no part of them, but an Agent Skill may say in it what it needs to work: that is
told, in words of ours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from puras.bundle.agent_skill import ENTRYPOINT, front_matter
from puras.server.jobs.inline import INLINE
from puras.server.worker.run import Ground, Run

_TOOL = re.compile(r"[^\s,(]+(?:\([^)]*\))?")
_OUR_NAMES: Mapping[str, str] = {
    "Bash": "bash",
    "Read": "file_read",
    "Write": "file_write",
    "Edit": "file_edit",
    "WebFetch": "web_fetch",
    "TodoWrite": "todo_write",
    "Task": "run_subagent",
}


def instructions_of(run: Run, ground: Ground) -> str:
    """Return a run's instructions."""
    if run.skill["name"] == INLINE:
        return str(run.row["prompt"])
    file = ground.skill_folder(run.skill) / run.skill["entrypoint"]
    text = file.read_text(encoding="utf-8")
    parts = [_body(text).strip()]
    if run.skill["entrypoint"] == ENTRYPOINT:
        parts += _needs(run.skill["extra"])
    return "\n\n".join(parts)


def _body(text: str) -> str:
    matter = front_matter(text)
    return text if matter is None else text[text.index(matter) + len(matter) :].partition("\n")[2]


def _needs(extra: Mapping[str, Any]) -> list[str]:
    """Tell what the front matter of an Agent Skill asks for."""
    told = []
    if isinstance(compatibility := extra.get("compatibility"), str):
        told.append(f"What this skill needs around it: {compatibility.strip()}")
    if names := _tool_names(extra.get("allowed-tools")):
        told.append(f"This skill was written for these tools: {', '.join(names)}.")
    return told


def _tool_names(allowed: Any) -> list[str]:
    """Read `allowed-tools`: names between blanks or commas, each maybe with `(…)` after it."""
    words = allowed if isinstance(allowed, list) else _TOOL.findall(str(allowed or ""))
    names = [str(word) for word in words]
    ours = [_OUR_NAMES.get(name.partition("(")[0]) for name in names]
    return [
        f"`{name}` (here: `{our}`)" if our else f"`{name}`"
        for name, our in zip(names, ours, strict=True)
    ]
