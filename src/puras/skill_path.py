"""Addressing a skill: `workspace/skillpack/skill`, `skillpack/skill`, or a bare `skill`.

The last segment is the skill, the rest is the skillpack's reference. A path that names its
skillpack wins over any default.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from puras.errors import SkillPathError

SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
"""What names a workspace or a skillpack."""

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)


class SkillPath(NamedTuple):
    """`skillpack` is a slug, `workspace/skillpack` or a UUID; None when nothing names one."""

    skillpack: str | None
    skill: str


def is_uuid(reference: str) -> bool:
    """Tell whether a skillpack's reference is an id rather than a slug."""
    return _UUID.fullmatch(reference) is not None


def parse(path: str, default_skillpack: str | None = None) -> SkillPath:
    """Split a skill's path; surrounding slashes and blanks do not count.

    Raises:
        SkillPathError: the path is empty, has an empty segment or more than three of them.
    """
    segments = path.strip().strip("/").strip().split("/")
    if not all(segment.strip() for segment in segments) or len(segments) > 3:
        raise SkillPathError(
            f"{path!r} is no skill path: write `skill`, `skillpack/skill` "
            "or `workspace/skillpack/skill`"
        )
    *pack, skill = (segment.strip() for segment in segments)
    default = (default_skillpack or "").strip().strip("/") or None
    return SkillPath("/".join(pack) or default, skill)


def skillpack_query(reference: str) -> dict[str, str]:
    """Return the query parameter that carries a skillpack's reference."""
    return {"skillpack_id" if is_uuid(reference) else "skillpack": reference}
