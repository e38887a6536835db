from __future__ import annotations

import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest

from puras.server.db.database import Transaction, UniqueViolation
from puras.server.db.migrate import SchemaTooNew, latest, migrate_sqlite
from puras.server.db.queries import Query
from puras.server.db.sqlite import SQLiteDatabase, connect

INSERT = Query(
    "insert",
    "INSERT INTO workspaces (id, slug, name, created_at) VALUES (:id, :slug, :id, 0)",
)
COUNT = Query("count", "SELECT count(*) AS n FROM workspaces")


async def count(tx: Transaction) -> int:
    row = await tx.one(COUNT)
    assert row is not None
    return int(row["n"])


async def test_many_writers_at_once_each_commit_and_a_failed_one_is_undone_alone(
    db: SQLiteDatabase,
) -> None:
    async def insert(tx: Transaction, number: int) -> int:
        await tx.run(INSERT, id=f"w{number}", slug=f"w{number}")
        if number % 10 == 0:
            raise LookupError(number)
        return number

    outcomes = await asyncio.gather(
        *(db.write(lambda tx, n=n: insert(tx, n)) for n in range(100)), return_exceptions=True
    )
    assert [o for o in outcomes if isinstance(o, int)] == [n for n in range(100) if n % 10]
    assert sum(isinstance(o, LookupError) for o in outcomes) == 10
    assert await db.read(count) == 90


async def test_a_taken_unique_value_is_told_apart_from_other_errors(db: SQLiteDatabase) -> None:
    await db.write(lambda tx: tx.run(INSERT, id="a", slug="same"))
    with pytest.raises(UniqueViolation):
        await db.write(lambda tx: tx.run(INSERT, id="b", slug="same"))
    assert await db.read(count) == 1


async def test_a_unit_that_waits_for_something_else_is_refused_and_undone(
    db: SQLiteDatabase,
) -> None:
    async def sleeper(tx: Transaction) -> None:
        await tx.run(INSERT, id="a", slug="a")
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="only its own transaction"):
        await db.write(sleeper)
    assert await db.read(count) == 0


async def test_a_reader_cannot_write(db: SQLiteDatabase) -> None:
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        await db.read(lambda tx: tx.run(INSERT, id="a", slug="a"))
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        await db.glance(lambda tx: tx.run(INSERT, id="a", slug="a"))


async def test_a_glance_sees_what_was_just_committed(db: SQLiteDatabase) -> None:
    for number in range(3):
        await db.write(lambda tx, n=number: tx.run(INSERT, id=f"w{n}", slug=f"w{n}"))
        assert await db.glance(count) == await db.read(count) == number + 1


async def test_a_glance_does_not_wait_for_a_unit_that_writes(db: SQLiteDatabase) -> None:
    begun, go_on = threading.Event(), threading.Event()

    async def slow(tx: Transaction) -> None:
        await tx.run(INSERT, id="a", slug="a")
        begun.set()
        go_on.wait(10)

    writing = asyncio.ensure_future(db.write(slow))
    await asyncio.to_thread(begun.wait)
    assert await db.glance(count) == 0
    go_on.set()
    await writing
    assert await db.glance(count) == 1


@pytest.mark.parametrize("use", ["write", "read", "glance"])
async def test_what_comes_after_close_is_refused(db: SQLiteDatabase, use: str) -> None:
    await db.glance(count)
    await db.close()
    with pytest.raises(RuntimeError, match=r"closed|shutdown"):
        await getattr(db, use)(count)


def test_migrating_twice_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    assert migrate_sqlite(path) == migrate_sqlite(path) == latest("sqlite")


def test_a_newer_schema_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    migrate_sqlite(path)
    connection = connect(path)
    connection.execute("PRAGMA user_version=9999")
    connection.close()
    with pytest.raises(SchemaTooNew, match="start the newer version again"):
        migrate_sqlite(path)
