"""What skills say of themselves: read from a folder, or asked of the server.

Each skill keeps the path under which it was asked for, since that is how it will be called.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

from puras import wire
from puras.bundle.layout import lone_skill
from puras.bundle.types.skills import Signature
from puras.bundle.validate import check_folder
from puras.cli.command import did_you_mean
from puras.cli.connection import connect
from puras.cli.failures import NOT_FOUND, USAGE, CommandFailed
from puras.cli.project import read_project, slug_of
from puras.errors import NotFoundError

if TYPE_CHECKING:
    from puras.cli.api import Api

_FOLDER: Final = (".", "/", "~")


def read_signatures(references: Iterable[str]) -> list[Signature]:
    """Return the skills that are meant: a reference that begins with `.`, `/` or `~` is a folder,
    any other a skill or skillpack of the server. Subskills are left out: nobody can call them.

    Raises:
        CommandFailed: something does not exist, or a bundle has faults.
        PurasError: the server could not be asked.
    """
    found: list[Signature] = []
    with ExitStack() as stack:
        api: Api | None = None
        for reference in references:
            if reference.startswith(_FOLDER) or Path(reference).is_absolute():
                found += _of_folder(Path(reference).expanduser())
            else:
                api = api or stack.enter_context(connect())
                found += _of_server(api, reference.strip().strip("/"))
    return found


def _of_folder(folder: Path) -> list[Signature]:
    if not folder.is_dir():
        raise CommandFailed(f"there is no folder {folder}", exit_code=USAGE)
    manifest, faults = check_folder(folder)
    if faults:
        raise CommandFailed(
            f"the bundle in {folder} has faults",
            code="invalid_bundle",
            faults=[dict(fault) for fault in faults],
            next_step="correct them first",
        )
    return _of_skills(_slug(folder.resolve()), manifest["skills"])


def _slug(folder: Path) -> str:
    """Return the skillpack that a folder belongs to; a single skill may lie in a bundle that was
    deployed before."""
    own = read_project(folder).slug
    above = read_project(folder.parent).slug if lone_skill(folder) is not None else None
    return own or above or slug_of(folder.name)


def _of_server(api: Api, reference: str) -> list[Signature]:
    segments = reference.split("/")
    if not all(segments) or len(segments) > 3:
        raise CommandFailed(
            f"{reference!r} is no path: write `workspace/skillpack/skill`, `skillpack/skill`, "
            "`skillpack` or `./folder`",
            exit_code=USAGE,
        )
    if len(segments) == 3:
        return [_of_card(api, reference)]
    if len(segments) == 1:
        return _of_skillpack(api, reference)
    try:
        skills = _active_skills(api, segments[0])
    except NotFoundError:
        return _of_skillpack(api, reference)
    return _of_skills(segments[0], [_choose(skills, segments[1], skillpack=segments[0])])


def _of_skillpack(api: Api, reference: str) -> list[Signature]:
    try:
        return _of_skills(reference, _active_skills(api, reference))
    except NotFoundError as error:
        near = did_you_mean(reference, [pack["slug"] for pack in api.list_skillpacks()])
        raise CommandFailed(
            f"there is no skillpack `{reference}` in your workspace{near}",
            exit_code=NOT_FOUND,
            code="skillpack_not_found",
            next_step=_elsewhere(reference),
        ) from error


def _elsewhere(reference: str) -> str:
    if Path(reference).is_dir():
        return f"if you mean the folder: puras types ./{reference}"
    if "/" in reference:
        return f"if it is somebody else's, name each skill: puras types {reference}/SKILL"
    return "list your skillpacks: puras skillpacks"


def _of_card(api: Api, path: str) -> Signature:
    try:
        card = api.skill_card(path)
    except NotFoundError as error:
        skillpack, _, skill = path.rpartition("/")
        raise CommandFailed(
            f"{error.detail}{did_you_mean(skill, _names(api, skillpack))}",
            exit_code=NOT_FOUND,
            code=error.code,
        ) from error
    return Signature(path, card["description"], card["input_schema"], card["output_schema"])


def _names(api: Api, skillpack: str) -> list[str]:
    try:
        return [skill["name"] for skill in _active_skills(api, skillpack)]
    except (NotFoundError, CommandFailed):
        return []


def _active_skills(api: Api, skillpack: str) -> list[wire.ManifestSkill]:
    for deployment in api.list_deployments(skillpack):
        if deployment["is_active"]:
            return deployment["manifest"]["skills"]
    raise CommandFailed(
        f"no version of {skillpack} is active",
        exit_code=NOT_FOUND,
        code="no_active_deployment",
        next_step=f"activate one: puras activate VERSION --skillpack {skillpack}",
    )


def _choose(
    skills: Sequence[wire.ManifestSkill], name: str, *, skillpack: str
) -> wire.ManifestSkill:
    for skill in skills:
        if skill["name"] == name:
            return skill
    near = did_you_mean(name, [skill["name"] for skill in skills])
    raise CommandFailed(
        f"there is no skill `{name}` in {skillpack}{near}",
        exit_code=NOT_FOUND,
        code="skill_not_found",
        next_step=f"take all of them: puras types {skillpack}",
    )


def _of_skills(skillpack: str, skills: Iterable[wire.ManifestSkill]) -> list[Signature]:
    return [
        Signature(
            f"{skillpack}/{skill['name']}",
            skill["description"],
            skill["input_schema"],
            skill["output_schema"],
        )
        for skill in skills
        if skill["parent"] is None
    ]
