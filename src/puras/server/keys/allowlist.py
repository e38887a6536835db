"""Resolves the paths of an allowlist to skills that exist, once, when the key is minted.

What is kept is the skillpack's id and the skill's name: a slug that is renamed later, or taken by
another skillpack, neither widens the key nor breaks it.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from puras import skill_path
from puras.errors import SkillPathError
from puras.server.db.database import Transaction
from puras.server.deployments import store as deployments
from puras.server.keys.fences import AllowedSkill
from puras.server.skillpacks import store as skillpacks
from puras.wire import Fault

MAX_SKILLS = 200


class _Unresolved(Exception):
    """A path that leads to no skill, and what to write instead."""


async def resolve(
    tx: Transaction, paths: Sequence[str], *, workspace_id: str
) -> tuple[tuple[AllowedSkill, ...], list[Fault]]:
    """Return the skills that the paths name (own ones, and public ones of others), and the faults
    of those that name none."""
    if not 1 <= len(paths) <= MAX_SKILLS:
        message = f'must name 1 to {MAX_SKILLS} skills, or be "all"'
        return (), [{"path": "$.skills", "message": message}]
    allowed: dict[tuple[str, str], AllowedSkill] = {}
    faults: list[Fault] = []
    for index, path in enumerate(paths):
        try:
            skill = await _resolve_one(tx, path, workspace_id=workspace_id)
            allowed.setdefault((skill.skillpack_id, skill.name), skill)
        except _Unresolved as unresolved:
            faults.append({"path": f"$.skills[{index}]", "message": str(unresolved)})
    return tuple(allowed.values()), faults


async def _resolve_one(tx: Transaction, path: str, *, workspace_id: str) -> AllowedSkill:
    try:
        reference, name = skill_path.parse(path)
    except SkillPathError as error:
        raise _Unresolved(str(error)) from None
    if reference is None:
        raise _Unresolved(f"{path[:100]!r} names no skillpack: write skillpack/skill")
    skillpack = await skillpacks.find(tx, reference, workspace_id=workspace_id)
    if skillpack is None:
        raise _Unresolved(f"there is no skillpack {reference[:100]!r} that this workspace may run")
    names = await deployments.active_skills(tx, skillpack.id)
    if name not in names:
        raise _Unresolved(_missing(name, names, reference=reference))
    return AllowedSkill(skillpack.id, name, path.strip())


def _missing(name: str, names: set[str], *, reference: str) -> str:
    near = difflib.get_close_matches(name[:64], sorted(names), n=1)
    hint = f"did you mean {near[0]!r}?" if near else "deploy it first"
    return f"what is active in {reference!r} has no skill {name[:100]!r}: {hint}"
