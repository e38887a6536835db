from __future__ import annotations

import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest

from puras.server.db.database import Database, Transaction, Unavailable
from puras.server.db.migrate import SchemaTooNew, latest, migrate_sqlite
from puras.server.db.sqlite import SQLiteDatabase, connect

from ..support import ON_SQLITE
from .test_database import count, insert


@ON_SQLITE
async def test_a_unit_that_waits_for_something_else_is_refused_and_undone(
    db: Database,
) -> None:
    async def sleeper(tx: Transaction) -> None:
        await insert(tx, "a")
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="only its own transaction"):
        await db.write(sleeper)
    assert await db.read(count) == 0


@ON_SQLITE
async def test_a_glance_sees_what_was_just_committed(db: Database) -> None:
    for number in range(3):
        await db.write(lambda tx, n=number: insert(tx, f"w{n}"))
        assert await db.glance(count) == await db.read(count) == number + 1


@ON_SQLITE
async def test_a_glance_does_not_wait_for_a_unit_that_writes(db: Database) -> None:
    begun, go_on = threading.Event(), threading.Event()

    async def slow(tx: Transaction) -> None:
        await insert(tx, "a")
        begun.set()
        go_on.wait(10)

    writing = asyncio.ensure_future(db.write(slow))
    await asyncio.to_thread(begun.wait)
    assert await db.glance(count) == 0
    go_on.set()
    await writing
    assert await db.glance(count) == 1


async def test_a_file_that_can_not_be_opened_is_told_and_tried_again(tmp_path: Path) -> None:
    file = tmp_path / "data" / "puras.db"
    db = SQLiteDatabase(file)
    async with asyncio.timeout(10):
        for _ in range(2):
            with pytest.raises(Unavailable, match="unable to open"):
                await db.write(lambda tx: insert(tx, "a"))
        migrate_sqlite(file)
        await db.write(lambda tx: insert(tx, "a"))
        assert await db.read(count) == 1
        await db.close()


async def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    file = tmp_path / "puras.db"
    file.write_bytes(b"no database" * 1000)
    db = SQLiteDatabase(file)
    async with asyncio.timeout(10):
        for _ in range(2):
            with pytest.raises(sqlite3.DatabaseError, match="not a database"):
                await db.write(lambda tx: insert(tx, "a"))
        await db.close()


@ON_SQLITE
@pytest.mark.parametrize("use", ["write", "read", "glance"])
async def test_what_comes_after_close_is_refused(db: Database, use: str) -> None:
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
