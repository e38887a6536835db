"""`puras init`: a bundle that works, to begin from."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from puras.cli import output
from puras.cli.command import Command


@click.command(cls=Command)
@click.argument("folder", default=".", type=click.Path(file_okay=False, path_type=Path))
@click.option("--skill", default="hello", show_default=True, help="The name of its skill.")
def init(folder: Path, skill: str) -> None:
    """Make a bundle with one skill, in a new or empty FOLDER.

    \b
    Example:
      puras init my-skills && puras deploy my-skills
    """
    from puras.bundle.scaffold import scaffold

    files = [str(path) for path in scaffold(folder, skill)]
    output.show({"folder": str(folder), "files": files}, lambda: _tell(folder, files))


def _tell(folder: Path, files: list[str]) -> None:
    for file in files:
        click.echo(f"  {file}")
    click.echo(f"Next: puras deploy {shlex.quote(str(folder))}")
