"""Agent Skills: a folder with a `SKILL.md` that says in its front matter what it is.

Without a `skill.yaml` such a folder deploys as an agentic skill that takes a prompt and gives an
answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from puras.bundle.faults import Findings
from puras.bundle.text_file import mapping_of, read_text

ENTRYPOINT: Final = "SKILL.md"

INPUT_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"prompt": {"type": "text", "description": "What to do."}},
    "required": ["prompt"],
}
OUTPUT_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"answer": {"type": "text", "description": "What came of it."}},
    "required": ["answer"],
}


@dataclass(frozen=True, slots=True)
class AgentSkill:
    """The front matter of a `SKILL.md`; `extra` is all that is not name and description."""

    name: str
    description: str
    extra: dict[str, Any]


def read_agent_skill(path: Path, findings: Findings) -> AgentSkill | None:
    """Read a `SKILL.md` that must stand for itself, or note what its front matter lacks."""
    text = read_text(path, findings)
    if text is None:
        return None
    matter = front_matter(text)
    if matter is None:
        findings.add("begin with front matter that has `name` and `description`, or add skill.yaml")
        return None
    before = len(findings.faults)
    fields = mapping_of(matter, findings, first_line=2)
    if len(findings.faults) > before:
        return None
    for key in ("name", "description"):
        if not isinstance(fields.get(key), str) or not fields[key].strip():
            findings.add(f"the front matter needs `{key}`: write it as a text", key)
    if len(findings.faults) > before:
        return None
    extra = {key: value for key, value in fields.items() if key not in ("name", "description")}
    return AgentSkill(fields["name"].strip(), fields["description"].strip(), extra)


def described(path: Path) -> str:
    """Return the description in a `SKILL.md`'s front matter, or nothing."""
    skill = read_agent_skill(path, Findings("")) if path.is_file() else None
    return skill.description if skill else ""


def front_matter(text: str) -> str | None:
    """Return what stands between the `---` lines at the start of a text, None without them."""
    lines = text.splitlines(keepends=True)
    if not lines or lines[0].strip() != "---":
        return None
    for number, line in enumerate(lines[1:], start=1):
        if line.strip() == "---":
            return "".join(lines[1:number])
    return None
