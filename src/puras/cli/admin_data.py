"""How the commands of an operator reach a server's data: the option that names it, the refusals."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from puras.cli.failures import CommandFailed
from puras.cli.server_extra import server_refusals, server_settings

if TYPE_CHECKING:
    from puras.server.settings import Settings

T = TypeVar("T")

data_option: Final = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="The server's data folder. Default: PURAS_HOME, else ~/.puras/data.",
)


def on_data(
    data: Path | None, work: Callable[[Settings], Coroutine[Any, Any, T]], **address: Any
) -> T:
    """Do something to the data, and tell what is refused there as a command's failure."""
    import asyncio

    from puras.server.admin import NoData
    from puras.server.backup import BackupRefused
    from puras.server.secrets.vault import CannotOpen

    with server_refusals():
        try:
            return asyncio.run(work(server_settings(data=data, **address)))
        except (BackupRefused, NoData) as error:
            raise CommandFailed(str(error), code=error.code) from None
        except CannotOpen as error:
            raise CommandFailed(str(error), code="secrets_unreadable") from None
