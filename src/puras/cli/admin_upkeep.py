"""What an operator does to the data as a whole: another schema."""

from __future__ import annotations

from pathlib import Path

import click

from puras.cli import output
from puras.cli.admin_data import data_option, on_data
from puras.cli.command import Command


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
