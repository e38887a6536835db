"""The embedded database: one writer thread that commits in groups, and a few readers apart.

Each unit of work runs in a savepoint; all that wait when the writer comes round share one commit,
and so one fsync (`synchronous=FULL`: what was answered survives a power cut). A unit that raises is
rolled back alone. Units are coroutines that await only their transaction, which here never
suspends, so the thread drives each to its end with a single `send`.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import Future, InvalidStateError, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, cast

from puras.server.db.database import Row, Unavailable, UniqueViolation, Work
from puras.server.db.queries import Query

T = TypeVar("T")
_Unit: TypeAlias = tuple[Work[Any], Future[Any]]
_Group: TypeAlias = Sequence[_Unit]
_GROUP = 256
_READERS = 4
_SETTINGS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000")
_PASSING = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
}
"""Primary result codes of what the operator can mend while the server runs on."""


class SQLiteTransaction:
    """Runs queries on one connection. Its methods never suspend."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    async def one(self, query: Query, **parameters: Any) -> Row | None:
        return cast("Row | None", self._execute(query, parameters).fetchone())

    async def all(self, query: Query, **parameters: Any) -> list[Row]:
        return cast("list[Row]", self._execute(query, parameters).fetchall())

    async def run(self, query: Query, **parameters: Any) -> int:
        return self._execute(query, parameters).rowcount

    async def run_many(self, query: Query, rows: Sequence[Mapping[str, Any]]) -> None:
        with _telling_unique():
            self._connection.executemany(query.text("sqlite"), rows)

    def _execute(self, query: Query, parameters: Mapping[str, Any]) -> sqlite3.Cursor:
        with _telling_unique():
            return self._connection.execute(query.text("sqlite"), parameters)


@contextmanager
def _telling_unique() -> Iterator[None]:
    try:
        yield
    except sqlite3.IntegrityError as error:
        if "UNIQUE" in str(error):
            raise UniqueViolation(str(error)) from error
        raise


class SQLiteDatabase:
    """A SQLite file in WAL mode. `read` never waits for `write`, nor the other way round."""

    dialect = "sqlite"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._inbox: queue.SimpleQueue[_Unit | None] = queue.SimpleQueue()
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="puras-db-read")
        self._locks: dict[str, asyncio.Lock] = {}
        self._closed = False
        self._writer = threading.Thread(target=self._write_loop, name="puras-db-write", daemon=True)
        self._writer.start()

    async def write(self, work: Work[T]) -> T:
        future: Future[T] = Future()
        self._check_open()
        self._inbox.put((work, future))
        with telling(self._path):
            return await asyncio.wrap_future(future)

    async def read(self, work: Work[T]) -> T:
        loop = asyncio.get_running_loop()
        with telling(self._path):
            return await loop.run_in_executor(self._readers, self._read, work)

    async def glance(self, work: Work[T]) -> T:
        self._check_open()
        with telling(self._path):
            return self._read(work)  # on the event loop's own thread: twenty microseconds

    def exclusively(self, name: str) -> asyncio.Lock:
        return self._locks.setdefault(name, asyncio.Lock())

    def pressure(self) -> Mapping[str, int]:
        return {"connections": len(self._connections) + 1, "waiting": self._inbox.qsize()}

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._inbox.put(None)
        await asyncio.to_thread(self._writer.join)
        self._readers.shutdown()
        for connection in self._connections:
            connection.close()

    def _check_open(self) -> None:
        if self._closed:
            raise RuntimeError("the database is closed")

    def _write_loop(self) -> None:
        connection: sqlite3.Connection | None = None
        while (group := self._next_group()) is not None:
            try:
                connection = connection or connect(self._path)
            except (Unavailable, sqlite3.Error) as error:  # a full disk; the next group tries again
                _refuse(group, error)
            else:
                _commit_group(connection, group)
        if connection is not None:
            connection.close()

    def _next_group(self) -> _Group | None:
        """Wait for units of work, and take all that are there; None once the end was told."""
        if (first := self._inbox.get()) is None:
            return None
        group = [first]
        while len(group) < _GROUP and not self._inbox.empty():
            if (item := self._inbox.get()) is None:
                self._inbox.put(None)
                break
            group.append(item)
        return group

    def _read(self, work: Work[T]) -> T:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = connect(self._path)
            connection.execute("PRAGMA query_only=ON")
            self._connections.append(connection)
        connection.execute("BEGIN")
        try:
            return _drive(work, connection)
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")


def connect(path: Path) -> sqlite3.Connection:
    """Open a connection with the settings that every connection of ours has.

    Raises:
        Unavailable: the file can't be used now: the disk is full, or it may not be opened.
    """
    with telling(path):
        connection = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, timeout=5.0
        )
        connection.row_factory = sqlite3.Row
        try:
            for pragma in _SETTINGS:
                connection.execute(f"PRAGMA {pragma}")
        except sqlite3.Error:
            connection.close()
            raise
        return connection


@contextmanager
def telling(path: Path) -> Iterator[None]:
    """Tell what passes from what is wrong with a statement. Raises Unavailable for the former."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if (getattr(error, "sqlite_errorcode", 0) & 0xFF) in _PASSING:
            raise Unavailable(f"{path}: {error}") from error
        raise


def _commit_group(connection: sqlite3.Connection, group: _Group) -> None:
    done: list[tuple[Future[Any], Any]] = []
    try:
        connection.execute("BEGIN IMMEDIATE")
        for work, future in group:
            if not future.set_running_or_notify_cancel():
                continue
            connection.execute("SAVEPOINT unit")
            try:
                value = _drive(work, connection)
            except BaseException as error:
                if not connection.in_transaction:
                    raise  # a full disk makes SQLite undo the whole group
                connection.execute("ROLLBACK TO unit")
                connection.execute("RELEASE unit")
                future.set_exception(error)
            else:
                connection.execute("RELEASE unit")
                done.append((future, value))
        connection.execute("COMMIT")
    except BaseException as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        _refuse(group, error)
        return
    for future, value in done:
        future.set_result(value)


def _refuse(group: _Group, error: BaseException) -> None:
    for _, future in group:
        with suppress(InvalidStateError):  # it was answered, or nobody waits any more
            future.set_exception(error)


def _drive(work: Work[T], connection: sqlite3.Connection) -> T:
    unit = cast("Coroutine[Any, Any, T]", work(SQLiteTransaction(connection)))
    try:
        unit.send(None)
    except StopIteration as stop:
        return cast("T", stop.value)
    unit.close()
    raise RuntimeError("a unit of work may await only its own transaction")
