from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from puras.server.db.database import Database, Transaction
from puras.server.db.migrate import SchemaTooNew, latest, migrate_sqlite
from puras.server.db.sqlite import connect

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
