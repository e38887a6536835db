"""The server that a command talks to, as the login says."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from puras.cli import config
from puras.cli.failures import USAGE, CommandFailed
from puras.errors import MissingKeyError

if TYPE_CHECKING:
    from puras.cli.api import Api


def current_login() -> config.Login:
    """Return the login in use.

    Raises:
        MissingKeyError: there is none.
    """
    current = config.current_login(config.read_config(), os.environ)
    if current.api_key is None:
        raise MissingKeyError("no API key: neither PURAS_API_KEY nor a login is there")
    return current


def connect(skillpack: str | None = None) -> Api:
    """Open a client for the login in use; `skillpack` is the default for bare skill names."""
    return connect_to(current_login(), skillpack)


def connect_to(where: config.Login, skillpack: str | None = None) -> Api:
    """Open a client for a login. The SDK is imported here, when it is needed.

    Raises:
        CommandFailed: the server's address or the key can't be one.
    """
    from puras.cli.api import Api

    key = where.api_key or ""
    if not (key.isascii() and key.isprintable()):
        raise CommandFailed("the API key has characters that no key has", exit_code=USAGE)
    if not where.api_base.startswith(("http://", "https://")):
        raise CommandFailed(f"{where.api_base!r} is no http address", exit_code=USAGE)
    return Api(key, skillpack, api_base=where.api_base)
