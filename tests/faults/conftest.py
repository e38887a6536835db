"""How long and how hard: set by `make test-faults` through the environment.

SEED       what everything is drawn from; none: a new one, which is printed
MINUTES    storm after storm for so long; none: one short storm for each database
DATABASE   sqlite or postgres alone
FAULTS     some faults alone, separated by commas
JOBS       how many jobs a storm has
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from ..postgres import PostgresServer, running_postgres

_LONG_JOBS, _LONG_SECONDS = 500, 300.0
_SHORT_JOBS, _SHORT_SECONDS = 36, 20.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the caller wants of a storm."""

    seed: int
    minutes: float
    faults: tuple[str, ...]
    jobs: int

    @property
    def long(self) -> bool:
        return self.minutes > 0

    @property
    def seconds(self) -> float:
        return min(_LONG_SECONDS, self.minutes * 60) if self.long else _SHORT_SECONDS

    @property
    def pause(self) -> float:
        """Seconds between two faults."""
        return 6.0 if self.long else 2.5


@pytest.fixture(scope="session")
def wanted() -> Wanted:
    given = os.environ
    minutes = float(given.get("MINUTES") or 0)
    return Wanted(
        seed=int(given.get("SEED") or random.SystemRandom().randrange(1_000_000)),
        minutes=minutes,
        faults=tuple(name for name in (given.get("FAULTS") or "").split(",") if name),
        jobs=int(given.get("JOBS") or (_LONG_JOBS if minutes else _SHORT_JOBS)),
    )


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> str:
    only = os.environ.get("DATABASE") or request.param
    if only != request.param:
        pytest.skip(f"DATABASE={only}")
    return str(request.param)


@pytest.fixture
def breakable_postgres(database: str) -> Iterator[PostgresServer | None]:
    """A PostgreSQL server that keeps what it was told when it is killed; none for SQLite."""
    if database == "sqlite":
        yield None
        return
    with running_postgres(durable=True) as server:
        yield server
