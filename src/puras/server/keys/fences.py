"""What may fence a key, and how the fences are read from a request: pure, all faults at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from puras.server.clock import DAY, Micros, parse_iso
from puras.wire import MAX_CONCURRENCY, MICROS_PER_USD, Fault, KeyKind

MAX_NAME_CHARACTERS = 100
MAX_CAP_USD = 1_000_000_000
MAX_RATE_PER_MINUTE = 1_000_000
MAX_ORIGINS = 100

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_ORIGIN = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<host>[a-z0-9._-]+|\[[0-9a-f:]+\])(?::(?P<port>\d{1,5}))?",
    re.ASCII,
)
_DEFAULT_PORTS = {"http": "80", "https": "443"}


@dataclass(frozen=True, slots=True)
class AllowedSkill:
    """A skill of an allowlist. Id and name decide; `path` is what the minter wrote, to show."""

    skillpack_id: str
    name: str
    path: str


@dataclass(frozen=True, slots=True)
class Fences:
    """What limits a key; None is no limit. `skills` None: every skill of its workspace."""

    skills: tuple[AllowedSkill, ...] | None = None
    daily_cap_micros: int | None = None
    rate_per_minute: int | None = None
    concurrency: int | None = None
    allowed_origins: tuple[str, ...] | None = None
    expires_at: Micros | None = None


UNFENCED = Fences()


class _Fault(Exception):
    """What is wrong with one field."""


_Reader: TypeAlias = Callable[[Any, KeyKind, Micros], Any]


def read(
    body: Mapping[str, Any], *, kind: KeyKind, now: Micros
) -> tuple[dict[str, Any], list[Fault]]:
    """Read a checked body's name and fences, except `skills`, which the database must resolve.

    Returns what the body sets, by the names of `Fences` (and `name`), and what is wrong with it.
    """
    values: dict[str, Any] = {}
    faults: list[Fault] = []
    for field, (name, reader) in _READERS.items():
        if field not in body:
            continue
        try:
            values[name] = None if body[field] is None else reader(body[field], kind, now)
        except _Fault as fault:
            faults.append({"path": f"$.{field}", "message": str(fault)})
    return values, faults


def normalize_origin(text: str) -> str | None:
    """Write an origin as browsers send it (lower case, no default port); None if it is none."""
    match = _ORIGIN.fullmatch(text.strip().lower().removesuffix("/"))
    if match is None:
        return None
    scheme, host, port = match["scheme"], match["host"], match["port"]
    if port is None or port == _DEFAULT_PORTS.get(scheme):
        return f"{scheme}://{host}"
    return f"{scheme}://{host}:{int(port)}" if 0 < int(port) < 65_536 else None


def _name(value: str, kind: KeyKind, now: Micros) -> str:
    name = value.strip()
    if not 1 <= len(name) <= MAX_NAME_CHARACTERS or _CONTROL.search(name):
        raise _Fault(f"must be 1 to {MAX_NAME_CHARACTERS} characters, none of them a control one")
    return name


def _cap(value: float, kind: KeyKind, now: Micros) -> int:
    if not 0 <= value <= MAX_CAP_USD:
        raise _Fault(f"must be 0 to {MAX_CAP_USD:,} US dollars")
    return round(value * MICROS_PER_USD)


def _rate(value: float, kind: KeyKind, now: Micros) -> int:
    if not 1 <= value <= MAX_RATE_PER_MINUTE:
        raise _Fault(f"must be 1 to {MAX_RATE_PER_MINUTE:,} submits a minute")
    return int(value)


def _concurrency(value: float, kind: KeyKind, now: Micros) -> int:
    if not 1 <= value <= MAX_CONCURRENCY:
        raise _Fault(f"must be 1 to {MAX_CONCURRENCY:,} runs at once")
    return int(value)


def _origins(value: Sequence[str], kind: KeyKind, now: Micros) -> tuple[str, ...]:
    if kind != "publishable":
        raise _Fault(
            "only a publishable key has allowed origins: a secret one has no use on a page"
        )
    if not 1 <= len(value) <= MAX_ORIGINS:
        raise _Fault(f"must list 1 to {MAX_ORIGINS} origins; leave it out to allow every page")
    origins = [normalize_origin(origin) for origin in value]
    wrong = [text for text, origin in zip(value, origins, strict=True) if origin is None]
    if wrong:
        raise _Fault(f"{wrong[0][:100]!r} is no origin: write scheme://host or scheme://host:port")
    return tuple(dict.fromkeys(origin for origin in origins if origin))


def _expiry(value: str, kind: KeyKind, now: Micros) -> Micros:
    try:
        moment = parse_iso(value)
    except (ValueError, OverflowError):
        raise _Fault("must be an ISO-8601 time such as 2030-01-31T12:00:00Z") from None
    if not now < moment <= now + 36_525 * DAY:
        raise _Fault("must lie in the future, and within 100 years")
    return moment


_READERS: Mapping[str, tuple[str, _Reader]] = {
    "name": ("name", _name),
    "daily_cap_usd": ("daily_cap_micros", _cap),
    "rate_per_minute": ("rate_per_minute", _rate),
    "concurrency": ("concurrency", _concurrency),
    "allowed_origins": ("allowed_origins", _origins),
    "expires_at": ("expires_at", _expiry),
}
