"""What tests of the server share: a real database of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from puras.server.db.migrate import migrate_sqlite
from puras.server.db.sqlite import SQLiteDatabase


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[SQLiteDatabase]:
    migrate_sqlite(tmp_path / "puras.db")
    database = SQLiteDatabase(tmp_path / "puras.db")
    yield database
    await database.close()
