"""Tells what became of a commit to PostgreSQL whose answer was lost.

Each transaction writes a number into the row of its connection, in the round trip that begins it:
the number is there if, and only if, the transaction was committed. The id that PostgreSQL itself
gives a transaction would not do. After a crash it gives out again those of which nothing had
reached the disk, and somebody else's commit would be taken for the one that was lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import AsyncConnection

from puras.server.db.database import Unsure
from puras.server.db.queries import Query

FORGET = Query("forget", "DELETE FROM commits WHERE begun_at < now() - interval '1 day'")
"""Removes the rows of connections that are long gone."""
_BEGIN = """BEGIN;
INSERT INTO commits (connection, number) VALUES ('{connection}', {number})
ON CONFLICT (connection) DO UPDATE SET number = excluded.number, begun_at = now()"""
# Written though it changes nothing: so it waits for a transaction that is not over yet.
_ASK = """INSERT INTO commits (connection, number) VALUES (%s, 0)
ON CONFLICT (connection) DO UPDATE SET connection = excluded.connection RETURNING number"""
_PATIENCE = b"SET lock_timeout = '1s'"
_SECONDS = 20.0
"""More than PostgreSQL lets a transaction stay open in which nothing happens."""
_PAUSE_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Mark:
    """One transaction. `connection` is its connection's name, of letters, digits, `-` and `/`."""

    connection: str
    number: int

    def beginning(self) -> bytes:
        """Return the statements that begin the transaction."""
        return _BEGIN.format(connection=self.connection, number=self.number).encode()


async def is_committed(
    mark: Mark, connect: Callable[[], Awaitable[AsyncConnection[dict[str, Any]]]]
) -> bool:
    """Ask what became of a transaction, on a new autocommit connection for each try.

    Raises:
        Unsure: nobody answered in time.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _SECONDS
    while loop.time() < deadline:
        try:
            async with await connect() as connection:
                await connection.execute(_PATIENCE)
                row = await (await connection.execute(_ASK, (mark.connection,))).fetchone()
        except psycopg.Error:
            await asyncio.sleep(_PAUSE_SECONDS)
        else:
            return row is not None and bool(row["number"] == mark.number)
    raise Unsure("the database went away in the middle of a commit")
