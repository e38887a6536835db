"""What a deployment keeps of its bundle: the manifest, and the settings in `puras.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from puras.bundle import agent_skill
from puras.bundle.agent_skill import AgentSkill
from puras.bundle.faults import Findings
from puras.bundle.layout import NAME, SkillFolder
from puras.bundle.skill_keys import Check, check_fields, is_flag, is_text
from puras.bundle.text_file import read_mapping
from puras.skill_path import is_uuid
from puras.wire import JobType, ManifestSkill

PACK_FILE: Final = "puras.yaml"

_SHOWN = frozenset(
    {
        "title",
        "description",
        "entrypoint",
        "input_schema",
        "output_schema",
        "examples",
        "timeout_seconds",
        "process",
        "concurrency",
        "env",
        "secrets",
    }
)


@dataclass(frozen=True, slots=True)
class Pack:
    """The settings of a bundle: `puras.yaml`. `skillpack_id` and `slug` are written by the CLI."""

    skillpack_id: str | None = None
    slug: str | None = None
    title: str | None = None
    description: str | None = None
    public: bool | None = None


def _is_id(value: Any) -> str | None:
    return None if isinstance(value, str) and is_uuid(value) else "write the skillpack's id"


def _is_slug(value: Any) -> str | None:
    fits = isinstance(value, str) and NAME.fullmatch(value) and value == value.lower()
    return None if fits else "a slug has 1 to 64 of a-z, 0-9, `_`, `-`, a letter or digit first"


PACK_KEYS: Final[Mapping[str, Check]] = {
    "skillpack_id": _is_id,
    "slug": _is_slug,
    "title": is_text,
    "description": is_text,
    "public": is_flag,
}


def read_pack(bundle: Path) -> tuple[Pack, Findings]:
    """Read a bundle's settings; without the file all of them are None."""
    findings = Findings(PACK_FILE)
    path = bundle / PACK_FILE
    if not path.is_file() or not path.stat().st_size:
        return Pack(), findings
    fields = read_mapping(path, findings)
    check_fields(fields, known=PACK_KEYS, findings=findings)
    sound = {
        key: fields[key] for key in PACK_KEYS if key in fields and not PACK_KEYS[key](fields[key])
    }
    return Pack(**sound), findings


def kind_of(fields: Mapping[str, Any]) -> JobType:
    """Tell from its entrypoint what kind of skill a `skill.yaml` describes."""
    return "agentic" if fields.get("entrypoint") == agent_skill.ENTRYPOINT else "function"


def yaml_skill(skill: SkillFolder, fields: Mapping[str, Any], *, description: str) -> ManifestSkill:
    """Describe a skill that has a `skill.yaml`; `description` counts where the file has none."""
    extra = {key: value for key, value in fields.items() if key not in _SHOWN}
    if "model" in extra:
        extra.setdefault("text_model", extra.pop("model"))
    return ManifestSkill(
        name=skill.name,
        type=kind_of(fields),
        title=fields.get("title"),
        description=fields.get("description", description),
        entrypoint=fields.get("entrypoint", ""),
        input_schema=fields.get("input_schema", {"type": "object", "properties": {}}),
        output_schema=fields.get("output_schema"),
        examples=fields.get("examples", []),
        timeout_seconds=fields.get("timeout_seconds"),
        process=fields.get("process", "fresh"),
        concurrency=fields.get("concurrency"),
        needs=list(dict.fromkeys([*fields.get("env", []), *fields.get("secrets", [])])),
        parent=skill.parent,
        extra=extra,
    )


def bare_skill(skill: SkillFolder, matter: AgentSkill) -> ManifestSkill:
    """Describe an Agent Skill that has no `skill.yaml`."""
    return ManifestSkill(
        name=skill.name,
        type="agentic",
        title=None,
        description=matter.description,
        entrypoint=agent_skill.ENTRYPOINT,
        input_schema=agent_skill.INPUT_SCHEMA,
        output_schema=agent_skill.OUTPUT_SCHEMA,
        examples=[],
        timeout_seconds=None,
        process="fresh",
        needs=[],
        parent=skill.parent,
        extra=dict(matter.extra),
    )
