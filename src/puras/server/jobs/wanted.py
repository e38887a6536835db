"""What a request for a job asks for, read but not yet checked against anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from puras.errors import SkillPathError
from puras.server.jobs.inline import INLINE
from puras.server.refusals import Refused
from puras.skill_path import parse
from puras.wire import MAX_PROMPT_CHARACTERS

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request asks for, read but not yet checked against anything. With a `prompt` the skill
    is `@inline`, and no skillpack need be named."""

    skill: str
    skillpack: str
    version: int | None
    inputs: dict[str, Any]
    source: str | None
    prompt: str | None = None

    @property
    def path(self) -> str:
        return f"{self.skillpack}/{self.skill}" if self.skillpack else self.skill

    @property
    def is_inline(self) -> bool:
        return self.prompt is not None


def read_wanted(body: Mapping[str, Any], query: Mapping[str, str], version: int | None) -> Wanted:
    """Read what is wanted from body and query (step 4). Raises Refused `invalid_request`."""
    skill, prompt = body.get("skill"), body.get("prompt")
    if (skill is None) == (prompt is None):
        raise Refused("invalid_request", "send either `skill` or `prompt`, and not both")
    named = query.get("skillpack_id") or query.get("skillpack")
    inputs, source = body.get("inputs") or {}, body.get("source")
    if prompt is not None:
        _check_prompt(prompt, skillpack=named, version=version)
        return Wanted(INLINE, named or "", version, inputs, source, prompt)
    try:
        path = parse(skill or "", named)
    except SkillPathError as error:
        raise Refused("invalid_request", str(error)) from None
    if path.skillpack is None:
        raise Refused(
            "invalid_request",
            f"say which skillpack `{path.skill}` is in: send `?skillpack=…`, or the path "
            "`workspace/skillpack/skill`",
        )
    return Wanted(path.skill, path.skillpack, version, inputs, source)


def _check_prompt(prompt: str, *, skillpack: str | None, version: int | None) -> None:
    if not prompt.strip() or len(prompt) > MAX_PROMPT_CHARACTERS:
        raise Refused("invalid_request", f"`prompt` has 1 to {MAX_PROMPT_CHARACTERS:,} characters")
    if version is not None and not skillpack:
        raise Refused(
            "invalid_request", "`version` is that of a skillpack: send `?skillpack=…` with it"
        )
