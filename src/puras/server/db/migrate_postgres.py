"""Brings a PostgreSQL database to the schema of this code, however many processes start at once.

All of it is one transaction under a lock: the first process migrates, the others find it done.
Where nothing is missing nothing is locked, and no right to make tables is needed.

Other processes may be at work meanwhile. A script that waited long for a table of theirs would make
everybody wait behind it, so it gives up soon and all of it is tried again.
"""

from __future__ import annotations

import asyncio
import random

import psycopg
from psycopg import errors

from puras.server.db.database import Unavailable
from puras.server.db.migrate import latest, missing
from puras.server.db.postgres_connections import Connection, connect

_TRIES = 60
_LONGEST_PAUSE_SECONDS = 1.0
_LOCK = b"SELECT pg_advisory_xact_lock(hashtextextended('puras.migrate', 0))"
_PATIENCE = b"SET LOCAL lock_timeout = '1s'"
_TABLE = b"CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)"
_VERSION = b"SELECT COALESCE(MAX(version), 0) AS version FROM schema_version"
_IN_USE = (errors.LockNotAvailable, errors.DeadlockDetected)


async def migrate_postgres(url: str) -> int:
    """Apply what is missing and return the schema's version.

    Raises:
        SchemaTooNew: the schema is newer than this code knows.
        Unavailable: the database can't be reached, lets us not make tables, or is too busy.
    """
    if not missing("postgres", current=await schema_version(url) or 0):
        return latest("postgres")
    for _ in range(_TRIES - 1):
        try:
            return await _migrate(url)
        except _IN_USE:
            await asyncio.sleep(random.uniform(0, _LONGEST_PAUSE_SECONDS))
    try:
        return await _migrate(url)
    except _IN_USE as error:
        raise Unavailable(f"the database is too busy to be migrated: {error}") from error


async def schema_version(url: str) -> int | None:
    """Return the schema's version, or None where there is no schema. Raises Unavailable."""
    try:
        async with await connect(url) as connection:
            return await _version(connection)
    except errors.UndefinedTable:
        return None
    except (psycopg.OperationalError, errors.InsufficientPrivilege) as error:
        raise Unavailable(f"the database can't be used: {error}") from error


async def _migrate(url: str) -> int:
    try:
        async with await connect(url) as connection:
            await connection.execute(_LOCK)
            await connection.execute(_PATIENCE)
            await connection.execute(_TABLE)
            for number, script in missing("postgres", current=await _version(connection)):
                await connection.execute(script.encode())
                await connection.execute(b"DELETE FROM schema_version")
                await connection.execute(b"INSERT INTO schema_version VALUES (%d)" % number)
    except _IN_USE:
        raise
    except (psycopg.OperationalError, errors.InsufficientPrivilege) as error:
        raise Unavailable(f"the database can't be used: {error}") from error
    return latest("postgres")


async def _version(connection: Connection) -> int:
    row = await (await connection.execute(_VERSION)).fetchone()
    return 0 if row is None else int(row["version"])
