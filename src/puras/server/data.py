"""Opens what a server keeps: SQLite in a data folder of its own, or a PostgreSQL that many share.

SQLite       the folder is this process's alone, and so is the database in it
PostgreSQL   each process has a folder of its own inside of the data folder, for what it unpacks,
             builds and runs; rows, files and the secrets key are everybody's
"""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from puras.server.db.database import Database
from puras.server.db.migrate import migrate_sqlite
from puras.server.db.sqlite import SQLiteDatabase
from puras.server.home import Home, own_home, settings_of_one
from puras.server.settings import BadSetting, Settings

if TYPE_CHECKING:
    from puras.server.events.elsewhere import Elsewhere


@dataclass(frozen=True, slots=True)
class Data:
    """`settings` are those of this process; `elsewhere` is None where no other shares the data."""

    settings: Settings
    db: Database
    elsewhere: Elsewhere | None


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Data]:
    """Open the data of a server, brought to this code's schema.

    Raises:
        DataInUse: another server has the data folder.
        SchemaTooNew: the data was written by a newer version.
        BadSetting: PostgreSQL is wanted, and its extra is not installed.
        Unavailable: PostgreSQL can't be reached.
    """
    if settings.database_url is None:
        home = Home(settings.home)
        try:
            await asyncio.to_thread(migrate_sqlite, settings.database_path)
            async with connected(settings) as db:
                yield Data(settings, db, None)
        finally:
            home.close()
    else:
        async with _shared(settings, settings.database_url) as data:
            yield data


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[Database]:
    """Open the database alone, as it is. Raises BadSetting, Unavailable."""
    db: Database
    if settings.database_url is None:
        db = SQLiteDatabase(settings.database_path)
    else:
        need_postgres()
        from puras.server.db.postgres import PostgresDatabase

        db = await PostgresDatabase.open(settings.database_url)
    try:
        yield db
    finally:
        await db.close()


def need_postgres() -> None:
    """Raise BadSetting unless the extra `postgres` is installed."""
    missing = [name for name in ("psycopg", "psycopg_pool") if not importlib.util.find_spec(name)]
    if missing:
        raise BadSetting(
            "PURAS_DATABASE_URL needs the driver of PostgreSQL: "
            'pip install "puras[server,postgres]"'
        )


@asynccontextmanager
async def _shared(settings: Settings, url: str) -> AsyncIterator[Data]:
    need_postgres()
    from puras.server.db.commits import FORGET
    from puras.server.db.migrate_postgres import migrate_postgres
    from puras.server.events.elsewhere import Elsewhere

    home = own_home(settings.home)
    try:
        await migrate_postgres(url)
        async with connected(settings) as db:
            await db.write(lambda tx: tx.run(FORGET))
            elsewhere = Elsewhere(db, url)
            try:
                yield Data(settings_of_one(settings, home), db, elsewhere)
            finally:
                await elsewhere.close()
    finally:
        home.close()
