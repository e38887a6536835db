"""Skills as tools: those that a key may run, under names that every client accepts."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from puras.bundle.tool_schema import tool_schema
from puras.server.caller import Caller
from puras.server.db.database import Transaction
from puras.server.db.queries import load
from puras.server.deployments import store as deployments
from puras.server.skillpacks import store as skillpacks
from puras.server.skillpacks.store import Skillpack
from puras.wire import ManifestSkill

QUERIES = load(__file__)
_MOST_NAME = 64
_DIGEST = 8
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_-]")


@dataclass(frozen=True, slots=True)
class SkillTool:
    """A skill under its name as a tool. `pack` is its skillpack, as `workspace/skillpack`."""

    name: str
    pack: str
    skill: ManifestSkill

    def described(self) -> dict[str, Any]:
        """Return it as `tools/list` shows it."""
        skill = self.skill
        told: dict[str, Any] = {
            "name": self.name,
            "title": skill["title"] or skill["name"],
            "description": skill["description"] or f"Run {self.pack}/{skill['name']}.",
            "inputSchema": tool_schema(skill["input_schema"]),
            "annotations": {"title": skill["title"] or skill["name"], "openWorldHint": True},
        }
        if skill["output_schema"] is not None:
            told["outputSchema"] = tool_schema(skill["output_schema"], output=True)
        return told


async def runnable(tx: Transaction, caller: Caller) -> list[SkillTool]:
    """Return the skills that a key may run: its workspace's own, or those on its allowlist."""
    found: list[tuple[Skillpack, ManifestSkill]] = []
    for pack in await _packs(tx, caller):
        deployment = await deployments.active(tx, pack.id)
        for name in sorted(deployment.skill_names()) if deployment else ():
            skill = deployment.skill(name) if deployment else None
            if skill is not None and (caller.skills is None or (pack.id, name) in caller.skills):
                found.append((pack, skill))
    names = _names([_wanted_name(caller, pack, skill["name"]) for pack, skill in found])
    return [
        SkillTool(name, f"{pack.workspace}/{pack.slug}", skill)
        for name, (pack, skill) in zip(names, found, strict=True)
    ]


async def _packs(tx: Transaction, caller: Caller) -> list[Skillpack]:
    if caller.skills is None:
        rows = await tx.all(QUERIES.own_packs, workspace_id=caller.workspace_id)
        ids = [row["id"] for row in rows]
    else:
        ids = sorted({pack_id for pack_id, _ in caller.skills})
    packs = [await skillpacks.find(tx, id, workspace_id=caller.workspace_id) for id in ids]
    return [pack for pack in packs if pack is not None]


def _wanted_name(caller: Caller, pack: Skillpack, skill: str) -> str:
    own = pack.workspace_id == caller.workspace_id
    return "__".join([*([] if own else [pack.workspace]), pack.slug, skill])


def _names(wanted: list[str]) -> list[str]:
    """Make names valid and unique. One that had to be changed, or is wanted twice, ends with a
    digest of what it stands for, so it stays the same whatever else there is."""
    cleaned = [_NOT_IN_A_NAME.sub("_", name) for name in wanted]
    often = Counter(cleaned)
    return [
        clean
        if clean == name and len(clean) <= _MOST_NAME and often[clean] == 1
        else _with_digest(clean, name, number=wanted[:index].count(name))
        for index, (clean, name) in enumerate(zip(cleaned, wanted, strict=True))
    ]


def _with_digest(clean: str, name: str, *, number: int) -> str:
    digest = hashlib.sha256(f"{name} {number}".encode()).hexdigest()[:_DIGEST]
    return f"{clean[: _MOST_NAME - _DIGEST - 1]}_{digest}"
