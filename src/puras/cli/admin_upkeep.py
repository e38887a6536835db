"""What an operator does to the data as a whole: another schema, a copy, and back from it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from puras.cli import output
from puras.cli.admin_data import data_option, on_data
from puras.cli.command import Command

if TYPE_CHECKING:
    from puras.server.backup import Backup


@click.command(cls=Command)
@click.option("--check", is_flag=True, help="Change nothing; exit 1 unless the schema is right.")
@data_option
def migrate(check: bool, data: Path | None) -> None:
    """Bring the database to the schema of this version.

    `puras serve` and `puras worker` do so when they start. This is for doing it before, or as
    another user of PostgreSQL than the one that serves. With SQLite the server has to be stopped.

    \b
    Examples:
      puras admin migrate
      puras admin migrate --check
    """
    from puras.server import admin as server

    if check:
        version = on_data(data, server.check_schema)
        output.show({"schema": version}, lambda: click.echo(f"Schema {version}, as it has to be."))
        return
    before, now = on_data(data, server.migrate)
    came = "" if before == now else f", it was {before}" if before else ", made anew"
    output.show({"before": before, "schema": now}, lambda: click.echo(f"Schema {now}{came}."))


@click.command(cls=Command)
@click.argument("folder", type=click.Path(path_type=Path))
@data_option
def backup(folder: Path, data: Path | None) -> None:
    """Copy all data to FOLDER, which must not be there, while the server runs.

    For a server on SQLite. FOLDER gets the database as it is at one moment, the files, and the key
    that opens the secrets: keep it where only you can read it.

    \b
    Examples:
      puras admin backup /backup/puras-$(date +%F)
    """
    from puras.server.backup import back_up

    made = on_data(data, lambda settings: back_up(settings, folder.absolute()))
    output.show(_document(made), lambda: click.echo(f"Backed up {_told(made)} to {made.path}."))
    if not made.has_key:
        output.note("The secrets key is not in it: keep a copy of PURAS_SECRETS_KEY too.")


@click.command(cls=Command)
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@data_option
def restore(folder: Path, data: Path | None) -> None:
    """Put the backup in FOLDER into a data folder that has no data.

    \b
    Example:
      puras admin restore /backup/puras-2026-01-31 --data /var/lib/puras
    """
    from puras.server.backup import restore as put_back

    made = on_data(data, lambda settings: put_back(settings, folder.absolute()))
    output.show(_document(made), lambda: click.echo(f"Restored {_told(made)}. Start the server."))
    if not made.has_key:
        output.note("Start it with the PURAS_SECRETS_KEY that it had, or no secret can be read.")


def _told(made: Backup) -> str:
    return f"the database and {made.files} files, {output.size(made.size_bytes)} in all,"


def _document(made: Backup) -> dict[str, Any]:
    return asdict(made) | {"path": str(made.path)}
