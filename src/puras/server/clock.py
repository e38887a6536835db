"""Time and ids. Stored times are integer microseconds since 1970 UTC, the same in every dialect."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

import uuid6

Micros: TypeAlias = int
Clock: TypeAlias = Callable[[], Micros]
"""Gives the present moment; tests pass their own."""

SECOND: Micros = 1_000_000
DAY: Micros = 86_400 * SECOND

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def now() -> Micros:
    return time.time_ns() // 1000


def iso(moment: Micros) -> str:
    """Write a moment as the wire has it: `2026-01-31T12:00:00.000000+00:00`."""
    seconds, micros = divmod(moment, SECOND)
    return f"{_to_the_second(seconds)}.{micros:06d}+00:00"


@lru_cache
def _to_the_second(seconds: int) -> str:
    """What the times of a log that is read share with their neighbours."""
    return (_EPOCH + datetime.timedelta(seconds=seconds)).isoformat()[: -len("+00:00")]


def iso_or_none(moment: Micros | None) -> str | None:
    return None if moment is None else iso(moment)


def parse_iso(text: str) -> Micros:
    """Read an ISO-8601 time; one without an offset counts as UTC. Raises ValueError."""
    moment = datetime.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return (moment - _EPOCH) // datetime.timedelta(microseconds=1)


def utc_day(moment: Micros) -> int:
    """Count the UTC days since 1970: the unit of daily caps."""
    return moment // DAY


def seconds_to_midnight(moment: Micros) -> int:
    return (DAY - moment % DAY + SECOND - 1) // SECOND


def new_id() -> str:
    """Make a UUIDv7: ids sort by the time of their making."""
    return str(uuid6.uuid7())
