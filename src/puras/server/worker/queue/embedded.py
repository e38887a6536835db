"""Delivery inside of one process: a wake-up on commit, and a look every second at the latest.

The jobs table itself is the queue; nothing is kept here that a restart could lose.
"""

from __future__ import annotations

import asyncio

from puras.server.db.database import Transaction


class EmbeddedQueue:
    """Wakes the one worker of this process."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    async def put(self, tx: Transaction, job_id: str) -> None:
        """The job's own row, queued, is all that delivery needs."""

    def wake(self) -> None:
        self._event.set()

    async def wait(self, timeout: float) -> None:
        try:
            # Not `wait_for`: before Python 3.12 it loses a cancel that comes together with a wake.
            async with asyncio.timeout(timeout):
                await self._event.wait()
        except TimeoutError:
            return
        finally:
            self._event.clear()
