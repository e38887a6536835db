"""What commands need that reach into the server: its packages, its settings, its refusals."""

from __future__ import annotations

import errno
import importlib.util
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from puras.cli.failures import FAILED, NOT_FOUND, USAGE, CommandFailed

if TYPE_CHECKING:
    from puras.server.refusals import Refused
    from puras.server.settings import Settings

_PARTS: Final = (
    "cryptography",
    "jsonschema_rs",
    "msgspec",
    "starlette",
    "structlog",
    "uuid6",
    "uvicorn",
)
_ADDRESS_ERRORS: Final = frozenset({errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES})
_DISK_ERRORS: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO})


def need_server() -> None:
    """Go on only where `puras[server]` is installed.

    Raises:
        CommandFailed: a part of it is missing.
    """
    missing = [part for part in _PARTS if importlib.util.find_spec(part) is None]
    if missing:
        raise CommandFailed(
            f"this needs the server, and {', '.join(missing)} is not installed",
            code="server_not_installed",
            next_step='pip install "puras[server]"',
        )


def server_settings(
    *,
    data: Path | None,
    host: str = "127.0.0.1",
    port: int = 8787,
    require_key: str | None = None,
) -> Settings:
    """Read the server's settings from the environment, over which the options win.

    Raises:
        CommandFailed: one of them makes no sense.
    """
    from puras.server.settings import read_settings

    with server_refusals():
        return read_settings(os.environ, home=data, host=host, port=port, require_key=require_key)


@contextmanager
def server_refusals() -> Iterator[None]:
    """Turn what the server's code refuses into something to act on."""
    from puras.server.db.database import Unavailable
    from puras.server.db.migrate import SchemaTooNew
    from puras.server.home import DataInUse
    from puras.server.refusals import Refused
    from puras.server.settings import BadSetting

    try:
        yield
    except DataInUse as error:
        raise CommandFailed(str(error), code="data_in_use") from None
    except SchemaTooNew as error:
        raise CommandFailed(str(error), code="schema_too_new") from None
    except Unavailable as error:
        raise CommandFailed(
            str(error),
            code="database_unavailable",
            next_step="see that it runs, may be used, and has room; then start again",
        ) from None
    except BadSetting as error:
        raise CommandFailed(str(error), exit_code=USAGE, code="bad_setting") from None
    except Refused as error:
        raise _refused(error) from None
    except OSError as error:
        raise (_address_failure(error) or _file_failure(error) or error) from None


def _refused(error: Refused) -> CommandFailed:
    faults = [dict(fault) for fault in error.errors]
    exit_code = NOT_FOUND if error.status == 404 else FAILED
    return CommandFailed(error.detail, exit_code=exit_code, code=error.code, faults=faults)


def _address_failure(error: OSError) -> CommandFailed | None:
    """Tell an address that can't be had from a file that can't, which has a name."""
    if error.filename is None and (
        isinstance(error, socket.gaierror) or error.errno in _ADDRESS_ERRORS
    ):
        return CommandFailed(
            f"the address can't be had: {error.strerror}",
            code="address_not_available",
            next_step="stop what listens there, or choose another --host or --port",
        )
    return None


def _file_failure(error: OSError) -> CommandFailed | None:
    if isinstance(error, PermissionError):
        return CommandFailed(f"{error.filename}: {error.strerror}", code="no_permission")
    if error.errno in _DISK_ERRORS:
        where = f"{error.filename}: " if error.filename else ""
        return CommandFailed(
            f"{where}{error.strerror}",
            code="disk_not_usable",
            next_step="make room there, or choose another --data folder",
        )
    return None
