"""A run's time limit, which stands still while a person is asked.

The run itself is parked then, and no attempt of it is at work. But one above it waits, and its time
must not run out over somebody's lunch.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeAlias

import structlog

from puras.server.approvals import store as approvals
from puras.server.clock import SECOND, Clock, Micros
from puras.server.db.database import Database

StoodStill: TypeAlias = Callable[[], Awaitable[float]]
"""Tells for how many seconds so far nothing went on, because a person was asked."""

_log = structlog.get_logger(__name__)


async def never() -> float:
    """Nobody is asked."""
    return 0.0


@dataclass(frozen=True, slots=True)
class Asking:
    """The seconds since `since` in which some job below this one waited for a person."""

    db: Database
    clock: Clock
    job_id: str
    since: Micros

    async def __call__(self) -> float:
        rows = await self.db.read(lambda tx: approvals.of_line(tx, self.job_id))
        now = self.clock()
        asked = [(row["created_at"], row["decided_at"] or now) for row in rows]
        return _covered(asked, since=self.since) / SECOND


@asynccontextmanager
async def limited(seconds: float, stood_still: StoodStill = never) -> AsyncIterator[None]:
    """Bound a block to `seconds`, beside those in which it stood still. Raises TimeoutError."""
    async with asyncio.timeout(None) as limit:
        keeper = asyncio.create_task(_keep(limit, seconds, stood_still))
        try:
            yield
        finally:
            keeper.cancel()


async def _keep(limit: asyncio.Timeout, seconds: float, stood_still: StoodStill) -> None:
    given = 0.0
    left = seconds
    while left > 0:
        await asyncio.sleep(left)
        try:
            stood = await stood_still()
        except Exception:
            _log.exception("asking_not_looked_up")
            stood = given
        left, given = stood - given, stood
    limit.reschedule(asyncio.get_running_loop().time())


def _covered(spans: list[tuple[Micros, Micros]], *, since: Micros) -> Micros:
    """Return how much time the spans cover together; what overlaps counts once."""
    total, reached = 0, since
    for begin, end in sorted(spans):
        begin = max(begin, reached)
        if end > begin:
            total += end - begin
            reached = end
    return total
