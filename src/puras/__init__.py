"""Puras: call deployed skills from Python, and, inside a skill, talk to the run.

Everything is loaded at its first use, so `import puras` costs next to nothing, also in a skill's
process, where there is only the standard library.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from puras import drive as drive
    from puras import media as media
    from puras import subagent as subagent
    from puras.client._async import AsyncPuras as AsyncPuras
    from puras.client._models import Job as Job
    from puras.client._models import JobEvent as JobEvent
    from puras.client._sync import Puras as Puras
    from puras.errors import AuthenticationError as AuthenticationError
    from puras.errors import BadRequestError as BadRequestError
    from puras.errors import ConflictError as ConflictError
    from puras.errors import InsufficientCreditsError as InsufficientCreditsError
    from puras.errors import InvalidRequestError as InvalidRequestError
    from puras.errors import JobError as JobError
    from puras.errors import MissingKeyError as MissingKeyError
    from puras.errors import NotFoundError as NotFoundError
    from puras.errors import PayloadTooLargeError as PayloadTooLargeError
    from puras.errors import PermissionDeniedError as PermissionDeniedError
    from puras.errors import PurasAPIError as PurasAPIError
    from puras.errors import PurasConnectionError as PurasConnectionError
    from puras.errors import PurasError as PurasError
    from puras.errors import PurasTimeoutError as PurasTimeoutError
    from puras.errors import RateLimitError as RateLimitError
    from puras.errors import ServerError as ServerError
    from puras.errors import SkillPathError as SkillPathError
    from puras.errors import StreamLineTooLongError as StreamLineTooLongError
    from puras.errors import UserError as UserError
    from puras.inputs import load_bytes as load_bytes
    from puras.inputs import load_path as load_path
    from puras.run import job as job
    from puras.run import log as log
    from puras.run import progress as progress
    from puras.run import step as step
    from puras.secrets import secret as secret

    Client = Puras
    AsyncClient = AsyncPuras
    __version__: str

__all__ = [
    "Puras",
    "AsyncPuras",
    "Client",
    "AsyncClient",
    "Job",
    "JobEvent",
    "PurasError",
    "PurasAPIError",
    "BadRequestError",
    "AuthenticationError",
    "InsufficientCreditsError",
    "PermissionDeniedError",
    "NotFoundError",
    "ConflictError",
    "PayloadTooLargeError",
    "InvalidRequestError",
    "RateLimitError",
    "ServerError",
    "PurasConnectionError",
    "PurasTimeoutError",
    "StreamLineTooLongError",
    "JobError",
    "MissingKeyError",
    "SkillPathError",
    "UserError",
    "log",
    "progress",
    "step",
    "job",
    "secret",
    "load_bytes",
    "load_path",
    "drive",
    "media",
    "subagent",
    "__version__",
]

_MODULES: Final = frozenset({"drive", "media", "subagent"})

_HOMES: Final[dict[str, str]] = {
    "Puras": "client._sync:Puras",
    "Client": "client._sync:Puras",
    "AsyncPuras": "client._async:AsyncPuras",
    "AsyncClient": "client._async:AsyncPuras",
    "Job": "client._models:Job",
    "JobEvent": "client._models:JobEvent",
    "log": "run:log",
    "progress": "run:progress",
    "step": "run:step",
    "job": "run:job",
    "secret": "secrets:secret",
    "load_bytes": "inputs:load_bytes",
    "load_path": "inputs:load_path",
}
"""Public name → `module:attribute`; names that are not here live in `puras.errors`."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = _load(name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _load(name: str) -> Any:
    if name == "__version__":
        return _version()
    if name in _MODULES:
        return importlib.import_module(f"puras.{name}")
    home, _, attribute = _HOMES.get(name, f"errors:{name}").partition(":")
    return getattr(importlib.import_module(f"puras.{home}"), attribute)


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("puras")
    except PackageNotFoundError:
        return "0+not.installed"
