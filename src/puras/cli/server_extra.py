"""Commands that need the server say so, where only the client is installed."""

from __future__ import annotations

import importlib.util
from typing import Final

from puras.cli.failures import CommandFailed

_PARTS: Final = ("jsonschema_rs", "msgspec", "starlette", "structlog", "uuid6", "uvicorn")


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
