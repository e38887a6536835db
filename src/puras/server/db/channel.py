"""What processes on one PostgreSQL database call out to each other, by LISTEN and NOTIFY.

A hint, no more: a message may be lost when a connection breaks, so whoever listens also looks at
the tables now and then. Messages are not part of any transaction: NOTIFY inside of one would make
the commits of all processes wait for each other, and each for the disk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import psycopg
import structlog

from puras.server.db.postgres_connections import Connection, connect

MAX_MESSAGE_BYTES = 7_900
_RECONNECT_SECONDS = 0.5
_SCHEMA = b"SELECT current_schema() AS name"
_log = structlog.get_logger(__name__)


class Channel:
    """One channel for each schema; a process hears its own messages too.

    `hear` gets every message; it must not wait for anything.
    """

    def __init__(self, url: str, hear: Callable[[str], None]) -> None:
        self._url = url
        self._hear = hear
        self._sender: Connection | None = None
        self._listening = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Begin to listen; return once messages are heard."""
        self._task = asyncio.create_task(self._listen_for_ever(), name="puras-listen")
        await self._listening.wait()

    async def send(self, message: str) -> None:
        """Send a message of at most `MAX_MESSAGE_BYTES`. Raises psycopg.Error where it is lost."""
        if self._sender is None or self._sender.closed:
            self._sender = await connect(self._url, autocommit=True)
            # A message that is lost in a power cut has nobody left to hear it.
            await self._sender.execute("SET synchronous_commit = off")
        await self._sender.execute("SELECT pg_notify('puras.' || current_schema(), %s)", (message,))

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._sender is not None:
            await self._sender.close()

    async def _listen_for_ever(self) -> None:
        while True:
            try:
                await self._listen()
            except Exception as error:
                _log.warning("notifications_interrupted", error=str(error))
            await asyncio.sleep(_RECONNECT_SECONDS)

    async def _listen(self) -> None:
        connection = await connect(self._url, autocommit=True)
        try:
            row = await (await connection.execute(_SCHEMA)).fetchone()
            name = psycopg.sql.Identifier(f"puras.{row['name'] if row else ''}")
            await connection.execute(psycopg.sql.SQL("LISTEN {}").format(name))
            self._listening.set()
            async for notification in connection.notifies():
                self._hear(notification.payload)
        finally:
            await connection.close()
