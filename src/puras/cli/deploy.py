"""`puras deploy`: check a folder, pack it, upload it, and say how to call what is in it."""

from __future__ import annotations

import shlex
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from puras import wire
from puras.cli import live, output
from puras.cli.command import Command
from puras.cli.connection import connect
from puras.cli.failures import CommandFailed
from puras.cli.project import Project, read_project, slug_of, write_identity
from puras.errors import NotFoundError
from puras.skill_path import is_uuid

if TYPE_CHECKING:
    from puras.cli.api import Api


@click.command(cls=Command)
@click.argument(
    "folder", default=".", type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@click.option(
    "--skillpack",
    "--app",
    "skillpack",
    metavar="REF",
    help="Deploy to this one. Default: what puras.yaml says, else the folder's name.",
)
@click.option("--no-activate", is_flag=True, help="Keep the active version active.")
@click.option("--notes", help="What is new in this version.")
def deploy(folder: Path, skillpack: str | None, no_activate: bool, notes: str | None) -> None:
    """Make the skills in FOLDER callable, as a new version.

    The bundle is checked here first; every fault is listed. A skillpack that does not exist yet is
    created, and puras.yaml remembers which one it was.

    \b
    Examples:
      puras deploy
      puras deploy my-skills --notes "shorter answers"
      puras deploy my-skills --skillpack staging --no-activate
    """
    check_bundle(folder)
    known = read_project(folder).reference
    with connect() as api:
        deployment, pack = deploy_folder(
            api, folder, skillpack=skillpack, activate=not no_activate, notes=notes
        )
    if skillpack is None or known is None:
        _remember(folder, pack)
    output.show(
        {**deployment, "skillpack": pack["slug"], "skillpack_id": pack["id"]},
        lambda: _tell(deployment, pack),
    )


def deploy_folder(
    api: Api,
    folder: Path,
    *,
    skillpack: str | None = None,
    activate: bool = True,
    notes: str | None = None,
) -> tuple[wire.Deployment, wire.Skillpack]:
    """Pack a folder that was checked, and upload it to the skillpack that it belongs to."""
    with tempfile.TemporaryDirectory() as scratch:
        archive = _pack(folder, Path(scratch) / "bundle.zip")
        pack = _skillpack(api, skillpack, folder=folder, project=read_project(folder))
        return _upload(api, archive, pack=pack, activate=activate, notes=notes), pack


def check_bundle(folder: Path) -> None:
    """Go on only with a bundle that has no faults.

    Raises:
        CommandFailed: it has some; all of them are listed.
    """
    from puras.bundle.requirements import read_requirements
    from puras.bundle.validate import check_folder

    _, faults = check_folder(folder)
    _, requirement_faults = read_requirements(folder)
    found = [dict(fault) for fault in (*faults, *requirement_faults)]
    if found:
        count = "1 fault" if len(found) == 1 else f"{len(found)} faults"
        raise CommandFailed(
            f"the bundle in {folder} has {count}",
            code="invalid_bundle" if faults else "bad_requirements",
            faults=found,
            next_step="correct them, then deploy again",
        )


def _pack(folder: Path, archive: Path) -> Path:
    from puras.bundle.pack import pack

    with archive.open("wb") as target:
        packed = pack(folder, target)
    output.note(f"Packed {packed.files} files, {output.size(packed.size_bytes)}")
    return archive


def _skillpack(api: Api, given: str | None, *, folder: Path, project: Project) -> wire.Skillpack:
    """Find the skillpack to deploy to; create it when only its slug is known and it is not there.

    An id that the server does not know is that of another server: there the slug decides.
    """
    slug = project.slug or slug_of(folder.resolve().name)
    references = [given] if given else [project.skillpack_id, slug]
    for reference in references:
        if reference is not None:
            try:
                return api.skillpack(reference)
            except NotFoundError:
                if given and (is_uuid(given) or "/" in given):
                    raise
    return _create(api, given or slug, project=project)


def _create(api: Api, slug: str, *, project: Project) -> wire.Skillpack:
    body: wire.SkillpackCreate = {
        "name": project.title or slug,
        "slug": slug,
        "public": project.public,
    }
    if project.description:
        body["description"] = project.description
    created = api.create_skillpack(body)
    output.note(f"Created skillpack {slug}")
    return created


def _upload(
    api: Api, archive: Path, *, pack: wire.Skillpack, activate: bool, notes: str | None
) -> wire.Deployment:
    total = archive.stat().st_size
    with live.transfer(f"Uploading to {pack['slug']}", total=total, stream=sys.stderr) as advance:
        return api.deploy(pack["id"], archive, activate=activate, notes=notes, advance=advance)


def _remember(folder: Path, pack: wire.Skillpack) -> None:
    if write_identity(folder, skillpack_id=pack["id"], slug=pack["slug"]):
        output.note(f"Wrote skillpack_id and slug to {folder / 'puras.yaml'}")


def _tell(deployment: wire.Deployment, pack: wire.Skillpack) -> None:
    state = "and active" if deployment["is_active"] else "but not active"
    click.echo(f"Version {deployment['version']} of {pack['slug']} is deployed {state}.")
    skills = [skill for skill in deployment["manifest"]["skills"] if skill["parent"] is None]
    for skill in skills:
        click.echo(f"  {pack['slug']}/{skill['name']}  {output.cell(skill['description'])}")
    if not deployment["is_active"]:
        click.echo(f"Next: puras activate {deployment['version']} --skillpack {pack['slug']}")
    elif skills:
        click.echo(f"Next: {_run_command(pack['slug'], skills[0])}")


def _run_command(slug: str, skill: wire.ManifestSkill) -> str:
    inputs: Mapping[str, Any] = skill["examples"][0]["inputs"] if skill["examples"] else {}
    words: Sequence[str] = [
        f"{name}={value}" if isinstance(value, str) else f"{name}:={output.compact(value)}"
        for name, value in inputs.items()
    ] or [f"{name}=…" for name in skill["input_schema"].get("required", [])]
    options = "".join(f" -i {shlex.quote(word)}" for word in words)
    return f"puras run {slug}/{skill['name']}{options}"
