"""Brings a PostgreSQL database to the schema of this code, however many processes start at once.

All of it is one transaction under a lock: the first process migrates, the others find it done.
"""

from __future__ import annotations

import psycopg

from puras.server.db.database import Unavailable
from puras.server.db.migrate import latest, missing
from puras.server.db.postgres import Connection, connect

_LOCK = b"SELECT pg_advisory_xact_lock(hashtextextended('puras.migrate', 0))"
_TABLE = b"CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)"
_VERSION = b"SELECT COALESCE(MAX(version), 0) AS version FROM schema_version"


async def migrate_postgres(url: str) -> int:
    """Apply what is missing and return the schema's version.

    Raises:
        SchemaTooNew: the schema is newer than this code knows.
        Unavailable: the database can't be reached, or lets us not make tables.
    """
    try:
        async with await connect(url) as connection:
            await connection.execute(_LOCK)
            await connection.execute(_TABLE)
            for number, script in missing("postgres", current=await _version(connection)):
                await connection.execute(script.encode())
                await connection.execute(b"DELETE FROM schema_version")
                await connection.execute(b"INSERT INTO schema_version VALUES (%d)" % number)
    except (psycopg.OperationalError, psycopg.errors.InsufficientPrivilege) as error:
        raise Unavailable(f"the database can't be used: {error}") from error
    return latest("postgres")


async def schema_version(url: str) -> int | None:
    """Return the schema's version, or None where there is no schema. Raises Unavailable."""
    try:
        async with await connect(url) as connection:
            return await _version(connection)
    except psycopg.errors.UndefinedTable:
        return None
    except psycopg.OperationalError as error:
        raise Unavailable(f"the database does not answer: {error}") from error


async def _version(connection: Connection) -> int:
    row = await (await connection.execute(_VERSION)).fetchone()
    return 0 if row is None else int(row["version"])
