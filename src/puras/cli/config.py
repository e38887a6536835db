"""Where the CLI remembers a login: `~/.puras/config.json`, readable by its owner alone.

The environment (`PURAS_API_KEY`, `PURAS_API_BASE`) wins over the file. Fields of the file that this
version does not know are kept.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from puras.cli.failures import CommandFailed

DEFAULT_API_BASE: Final = "https://api.puras.co"
Source: TypeAlias = Literal["environment", "config"]


@dataclass(frozen=True, slots=True)
class Config:
    """What the file holds; `rest` are the fields that this version does not know."""

    api_base: str | None = None
    api_key: str | None = None
    llm_api_key: str | None = None
    rest: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Login:
    """The server and the key that commands use now. `api_key` is None when logged out."""

    api_base: str
    api_key: str | None
    key_source: Source | None


def config_path() -> Path:
    return Path.home() / ".puras" / "config.json"


def read_config() -> Config:
    """Read the file; an absent one counts as empty.

    Raises:
        CommandFailed: it is there and can't be read.
    """
    path = config_path()
    try:
        fields = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return Config()
    except (OSError, ValueError) as error:
        raise _unreadable(path, str(error)) from error
    if not isinstance(fields, dict):
        raise _unreadable(path, "it holds no JSON object")
    known = {name: fields.pop(name, None) for name in ("api_base", "api_key", "llm_api_key")}
    return Config(**{name: value or None for name, value in known.items()}, rest=fields)


def write_config(config: Config) -> Path:
    """Put the file in place at once, mode 0600, and return its path."""
    path = config_path()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    known = {
        "api_base": config.api_base,
        "api_key": config.api_key,
        "llm_api_key": config.llm_api_key,
    }
    document = {name: value for name, value in known.items() if value} | dict(config.rest)
    # A temporary file of `tempfile` is born with mode 0600: the key is never readable by others.
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
        file.write(json.dumps(document, indent=2) + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(file.name, path)
    return path


def current_login(config: Config, environment: Mapping[str, str]) -> Login:
    """Decide which server and key to use: each from the environment, else from the file."""
    base = environment.get("PURAS_API_BASE") or config.api_base or DEFAULT_API_BASE
    if key := environment.get("PURAS_API_KEY"):
        return Login(base.rstrip("/"), key, "environment")
    return Login(base.rstrip("/"), config.api_key, "config" if config.api_key else None)


def remember_login(*, api_base: str, api_key: str) -> Path:
    """Log in: keep the server and its key, and whatever else the file holds."""
    return write_config(replace(read_config(), api_base=api_base.rstrip("/"), api_key=api_key))


def forget_login() -> bool:
    """Log out: drop the key. Tell whether there was one."""
    config = read_config()
    if config.api_key is None:
        return False
    write_config(replace(config, api_key=None))
    return True


def _unreadable(path: Path, reason: str) -> CommandFailed:
    return CommandFailed(
        f"{path} can't be read: {reason}", next_step="repair or remove it, then: puras login"
    )
