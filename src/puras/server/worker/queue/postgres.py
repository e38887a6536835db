"""Delivery among many processes: a wake-up here, a message to the others, a look every second.

The jobs table itself is the queue. Which job comes next depends on how many runs each workspace
has at that moment, so it is decided by the claim and not before; all that can be delivered is that
there may be one.
"""

from __future__ import annotations

from collections.abc import Callable

from puras.server.db.database import Transaction
from puras.server.worker.queue.embedded import EmbeddedQueue


class PostgresQueue:
    """Wakes the worker of this process, if there is one, and those of all others."""

    def __init__(self, tell: Callable[[], None]) -> None:
        self._here = EmbeddedQueue()
        self._tell = tell

    async def put(self, tx: Transaction, job_id: str) -> None:
        """The job's own row, queued, is all that delivery needs."""

    def wake(self) -> None:
        self._here.wake()
        self._tell()

    def woken(self) -> None:
        """Take the wake-up of another process."""
        self._here.wake()

    async def wait(self, timeout: float) -> None:
        await self._here.wait(timeout)
