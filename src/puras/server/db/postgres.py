"""The database of many processes: PostgreSQL, each unit of work in one transaction.

Writes are READ COMMITTED and take the locks they need in their own SQL, always in the same order
(the job that is above, then the one below, then the workspace), so that they wait for each other
instead of failing. Where two get into each other's way all the same, PostgreSQL undoes one of them
and it is run again: a unit may run more than once, and changes nothing but the database.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeVar, cast
from uuid import uuid4

import psycopg
from psycopg import AsyncCursor, errors

from puras.server.db.commits import Mark, is_committed
from puras.server.db.database import (
    Row,
    Transaction,
    Unavailable,
    UniqueViolation,
    Work,
)
from puras.server.db.placeholders import to_pyformat
from puras.server.db.postgres_connections import (
    Connection,
    Pool,
    connect,
    pool_for_reading,
    pool_for_writing,
)
from puras.server.db.queries import Query

T = TypeVar("T")

_WRITERS = 8
_READERS = 4
_PAUSES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Between the tries of a unit, in seconds at most; so many that do not wait for a lock pass."""
_CONNECT_SECONDS = 10.0
_CONFLICTS = (errors.SerializationFailure, errors.DeadlockDetected)
_PASSING = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    errors.IdleInTransactionSessionTimeout,
)
_LOCK = Query("lock", "SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")


class PostgresTransaction:
    """Runs queries on one connection, inside of its open transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def begun(self) -> AbstractAsyncContextManager[Any]:
        """Begin a transaction on a connection that commits each statement by itself."""
        return self._connection.transaction()

    async def begin_marked(self, mark: Mark) -> None:
        """Begin it on a connection that commits each statement by itself."""
        await self._connection.execute(mark.beginning(), prepare=False)

    async def one(self, query: Query, **parameters: Any) -> Row | None:
        return await (await self._execute(query, parameters)).fetchone()

    async def all(self, query: Query, **parameters: Any) -> list[Row]:
        return list(await (await self._execute(query, parameters)).fetchall())

    async def run(self, query: Query, **parameters: Any) -> int:
        return (await self._execute(query, parameters)).rowcount

    async def run_many(self, query: Query, rows: Sequence[Mapping[str, Any]]) -> None:
        if len(rows) == 1:  # a batch costs more round trips
            await self._execute(query, rows[0])
        elif rows:
            try:
                await self._connection.cursor().executemany(_text(query), rows)
            except errors.UniqueViolation as error:
                raise UniqueViolation(str(error)) from error

    async def _execute(
        self, query: Query, parameters: Mapping[str, Any]
    ) -> AsyncCursor[dict[str, Any]]:
        try:
            return await self._connection.execute(_text(query), parameters)
        except errors.UniqueViolation as error:
            raise UniqueViolation(str(error)) from error


class PostgresDatabase:
    """A PostgreSQL database. Make it with `open`."""

    dialect = "postgres"

    def __init__(self, url: str) -> None:
        self.url = url
        self._writers = pool_for_writing(url, _WRITERS)
        self._readers = pool_for_reading(url, _READERS)
        self._id = uuid4()
        self._numbers = itertools.count(1)
        self._units: set[asyncio.Task[Any]] = set()
        self._locks: dict[str, asyncio.Lock] = {}
        self._closed = False

    @classmethod
    async def open(cls, url: str) -> PostgresDatabase:
        """Connect. Raises Unavailable where the database can't be reached."""
        database = cls(url)
        try:
            await database._writers.open(wait=True, timeout=_CONNECT_SECONDS)
            await database._readers.open(wait=True, timeout=_CONNECT_SECONDS)
        except BaseException as error:
            await database.close()
            if isinstance(error, _PASSING):
                raise Unavailable(f"the database does not answer: {error}") from error
            raise
        return database

    async def write(self, work: Work[T]) -> T:
        return await self._to_the_end(self._repeated(lambda: self._written(work)))

    async def read(self, work: Work[T]) -> T:
        return await self._repeated(lambda: _once(self._readers, _on_one_view(work)))

    async def glance(self, work: Work[T]) -> T:
        return await self._repeated(lambda: _once(self._readers, work))

    @asynccontextmanager
    async def exclusively(self, name: str) -> AsyncIterator[None]:
        """Hold a lock that all processes of this database know by its name."""
        async with self._locks.setdefault(name, asyncio.Lock()):
            try:
                connection = await self._locked(name)
            except _PASSING as error:
                raise Unavailable(f"the database can't do it now: {error}") from error
            try:
                yield
            finally:
                await connection.close()

    async def _locked(self, name: str) -> Connection:
        """Return a connection whose open transaction holds a lock."""
        connection = await connect(self.url)
        try:
            # What is done meanwhile, elsewhere, may take as long as it takes.
            await connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            await PostgresTransaction(connection).one(_LOCK, name=f"puras.{name}")
        except BaseException:
            await connection.close()
            raise
        return connection

    def pressure(self) -> Mapping[str, int]:
        stats = [pool.get_stats() for pool in (self._writers, self._readers)]
        return {
            "connections": sum(each.get("pool_size", 0) for each in stats),
            "idle": sum(each.get("pool_available", 0) for each in stats),
            "waiting": sum(each.get("requests_waiting", 0) for each in stats),
        }

    async def close(self) -> None:
        self._closed = True
        await asyncio.gather(*self._units, return_exceptions=True)
        await self._writers.close()
        await self._readers.close()

    async def _to_the_end(self, unit: Coroutine[Any, Any, T]) -> T:
        """Run a unit that is not cut off where its caller is cancelled: it was asked for."""
        task = asyncio.create_task(unit)
        self._units.add(task)
        task.add_done_callback(self._finished)
        return await asyncio.shield(task)

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._units.discard(task)
        if not task.cancelled():
            task.exception()  # nobody may be left to hear of it

    async def _repeated(self, once: Callable[[], Awaitable[T]]) -> T:
        if self._closed:
            raise RuntimeError("the database is closed")
        for longest_pause in _PAUSES:
            try:
                return await once()
            except _UndoneError:
                await asyncio.sleep(random.uniform(0, longest_pause))
        try:
            return await once()
        except _UndoneError as undone:
            raise Unavailable(str(undone)) from undone

    async def _written(self, work: Work[T]) -> T:
        """Run a unit and commit it. Where the answer to the commit was lost, its mark tells whether
        it was done: it is neither run twice nor taken for undone."""
        mark, value = None, None
        try:
            async with self._writers.connection(timeout=_CONNECT_SECONDS) as connection:
                begun = self._mark(connection)
                value = await _retold(connection, _begun_before(work, begun))
                mark = begun
                await connection.commit()
        except _PASSING as error:
            if mark is None:
                raise Unavailable(f"the database can't do it now: {error}") from error
            if not await is_committed(mark, lambda: connect(self.url, autocommit=True)):
                raise _UndoneError(f"the connection was lost: {error}") from error
        return cast("T", value)

    def _mark(self, connection: Connection) -> Mark:
        return Mark(f"{self._id}/{connection.info.backend_pid}", next(self._numbers))


def _on_one_view(work: Work[T]) -> Work[T]:
    """Let all queries of a unit see the same moment; without it each sees its own, and costs one
    round trip instead of three."""

    async def unit(tx: Transaction) -> T:
        assert isinstance(tx, PostgresTransaction)
        async with tx.begun():
            return await work(tx)

    return unit


class _UndoneError(Exception):
    """A unit of work came to nothing, by no fault of its own: it may be run again."""


async def _once(pool: Pool, work: Work[T]) -> T:
    cancelled = _cancelled()
    try:
        async with pool.connection(timeout=_CONNECT_SECONDS) as connection:
            if _cancelled() > cancelled:
                # The pool waits with `asyncio.wait_for`, which until Python 3.12 forgets to pass on
                # what comes in the very moment in which the wait is over.
                raise asyncio.CancelledError
            return await _retold(connection, work)
    except _PASSING as error:
        raise Unavailable(f"the database can't do it now: {error}") from error


def _cancelled() -> int:
    """Count the times that the task at work was cancelled."""
    task = asyncio.current_task()
    return 0 if task is None else task.cancelling()


def _begun_before(work: Work[T], mark: Mark) -> Work[T]:
    """Begin the unit's transaction, with its mark."""

    async def unit(tx: Transaction) -> T:
        assert isinstance(tx, PostgresTransaction)
        await tx.begin_marked(mark)
        return await work(tx)

    return unit


async def _retold(connection: Connection, work: Work[T]) -> T:
    try:
        return await _on(connection, work)
    except errors.FeatureNotSupported:
        # A migration changed what a prepared statement gives: this word forgets them, also where no
        # transaction is open.
        await connection.execute("ROLLBACK")
        return await _on(connection, work)


async def _on(connection: Connection, work: Work[T]) -> T:
    """Run a unit; what it is not to blame for is an `_UndoneError`."""
    try:
        return await work(PostgresTransaction(connection))
    except _CONFLICTS as error:
        raise _UndoneError(f"too many changes at once: {error}") from error
    except _PASSING as error:
        if connection.closed:
            raise _UndoneError(f"the connection was lost: {error}") from error
        raise


def _text(query: Query) -> bytes:
    return to_pyformat(query.text("postgres")).encode()
