"""`puras pull`: get a deployed bundle back as a folder."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from puras.cli import output
from puras.cli.command import Command
from puras.cli.connection import connect
from puras.cli.failures import FAILED, USAGE, CommandFailed
from puras.cli.project import skillpack_here


@click.command(cls=Command)
@click.argument("skillpack", metavar="[SKILLPACK]", required=False)
@click.argument(
    "folder", metavar="[FOLDER]", required=False, type=click.Path(file_okay=False, path_type=Path)
)
@click.option("--version", type=click.IntRange(1), help="This version, not the active one.")
def pull(skillpack: str | None, folder: Path | None, version: int | None) -> None:
    """Get a deployed bundle back, as a new FOLDER; by default one named like the skillpack.

    \b
    Examples:
      puras pull my-skills
      puras pull my-skills old-skills --version 3
    """
    reference = skillpack_here(skillpack)
    target = folder or Path(reference.rpartition("/")[2])
    if target.exists() and any(target.iterdir()):
        raise CommandFailed(
            f"{target} is there already, and not empty",
            exit_code=USAGE,
            next_step=f"name another folder: puras pull {reference} FOLDER",
        )
    with connect() as api, tempfile.TemporaryDirectory() as workshop:
        pulled = api.pull(reference, version=version)
        archive = Path(workshop) / "bundle.zip"
        api.download(pulled["download_url"], archive)
        _unpack(archive, target)
    shown = {"folder": str(target), "version": pulled["version"]}
    output.show(shown, lambda: click.echo(f"Version {pulled['version']} is in {target}."))


def _unpack(archive: Path, target: Path) -> None:
    from puras.bundle.archive import unpack
    from puras.bundle.faults import BadBundle

    try:
        unpack(archive, target)
    except BadBundle as error:
        raise CommandFailed(
            f"the bundle can't be unpacked: {error}", exit_code=FAILED, code="bad_bundle"
        ) from None
