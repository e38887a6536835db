"""`puras worker`: runs the jobs of a database that other processes serve."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from puras.cli import output
from puras.cli.command import Command
from puras.cli.server_extra import need_server, server_refusals, server_settings

if TYPE_CHECKING:
    from puras.server.settings import Settings


@click.command(cls=Command)
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where this machine keeps its files. Default: PURAS_HOME, else ~/.puras/data.",
)
def worker(data: Path | None) -> None:
    """Run jobs, and serve nothing: for as many processes and machines as you like.

    Needs PURAS_DATABASE_URL, a PostgreSQL database, and the settings that the servers have.
    Ctrl-C, or SIGTERM, lets running jobs go back to the queue, for the other workers.

    \b
    Examples:
      puras worker
      puras worker --data /var/lib/puras
    """
    need_server()
    from puras.server.work import work

    settings = server_settings(data=data)
    with server_refusals():
        work(settings, ready=_tell)


def _tell(settings: Settings) -> None:
    if output.is_json():
        output.json_line({"data": str(settings.home), "concurrency": settings.concurrency})
        return
    click.echo(f"Puras runs up to {settings.concurrency} jobs at once. Stop it with Ctrl-C.")
    sys.stdout.flush()
