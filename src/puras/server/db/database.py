"""What every store sees of a database: transactions that run named queries.

A unit of work is an async function of one argument, the transaction, and awaits nothing but that
transaction's own calls. So PostgreSQL can run it on the event loop, and SQLite on its one writer
thread, many units to a commit. PostgreSQL may have to run a unit again: what it changes outside of
the database (a list that it fills), it makes anew itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeAlias, TypeVar

from puras.server.db.queries import Query

T = TypeVar("T")
Row: TypeAlias = Mapping[str, Any]


class Transaction(Protocol):
    """Runs queries inside one transaction. Parameters are passed by name."""

    async def one(self, query: Query, **parameters: Any) -> Row | None:
        """Return the first row, or None."""

    async def all(self, query: Query, **parameters: Any) -> list[Row]:
        """Return every row."""

    async def run(self, query: Query, **parameters: Any) -> int:
        """Run a statement and return how many rows it touched."""

    async def run_many(self, query: Query, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run a statement once for each set of parameters."""


Work: TypeAlias = Callable[[Transaction], Awaitable[T]]


class UniqueViolation(Exception):
    """A row was refused because another one has the same unique value."""


class Unavailable(Exception):
    """The database can't do its work now: its disk is full, it is locked, or it is gone. Nothing of
    the unit of work was kept; the same may succeed later."""


class Unsure(Unavailable):
    """The database went away in the middle of a commit and did not come back soon: nobody can tell
    whether the unit of work was kept."""


class Database(Protocol):
    """Where everything is kept. An exception out of a unit of work undoes that unit alone."""

    dialect: str

    async def write(self, work: Work[T]) -> T:
        """Run a unit of work and return its value once it is committed."""

    async def read(self, work: Work[T]) -> T:
        """Run a unit of work that only reads, on one consistent view."""

    async def glance(self, work: Work[T]) -> T:
        """Run a unit of work that reads a few rows by their keys.

        As `read`, for what takes less time than handing it over to another thread, and where each
        query may see a moment of its own: PostgreSQL makes no transaction of it.
        """

    def exclusively(self, name: str) -> AbstractAsyncContextManager[None]:
        """Hold a lock among all processes that use this database, while work goes on elsewhere."""

    def pressure(self) -> Mapping[str, int]:
        """Return what is in use here and who waits for it, by names for the operator."""

    async def close(self) -> None:
        """Finish what was begun, then close every connection."""
