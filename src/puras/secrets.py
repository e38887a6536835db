"""Read a secret of the skillpack from inside of a skill."""

from __future__ import annotations

import os
from typing import TypeVar, overload

from puras.errors import PurasError

T = TypeVar("T")


class _NoDefault:
    def __repr__(self) -> str:
        return "<no default>"


_NO_DEFAULT = _NoDefault()


@overload
def secret(name: str) -> str: ...
@overload
def secret(name: str, default: T) -> str | T: ...
def secret(name: str, default: object = _NO_DEFAULT) -> object:
    """Return a secret of this skillpack; where it is not set, `default` if one was given.

    A secret is an environment variable too. Name those that the skill can't do without under
    `secrets` in skill.yaml: then a job is refused at submit instead of failing in the middle.

    Raises:
        PurasError: it is not set, and there is no default.
    """
    value = os.environ.get(name)
    if value is not None:
        return value
    if default is _NO_DEFAULT:
        raise PurasError(f"the secret {name} is not set: set it with `puras secrets set {name}`")
    return default
