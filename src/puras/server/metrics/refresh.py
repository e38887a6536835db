"""What has to be asked for, rather than counted: how long the queue is, how busy the database."""

from __future__ import annotations

import asyncio

import structlog

from puras.server.clock import SECOND, Clock
from puras.server.db.database import Database, Transaction
from puras.server.db.queries import load
from puras.server.metrics.instruments import DATABASE, OLDEST_WAIT, QUEUED

REFRESH_SECONDS = 5.0
QUERIES = load(__file__)
_log = structlog.get_logger(__name__)


async def keep_fresh(db: Database, clock: Clock) -> None:
    """Ask every few seconds until cancelled; a database that fails is asked again."""
    while True:
        try:
            await refresh(db, clock)
        except Exception:
            _log.warning("metrics_not_refreshed", exc_info=True)
        await asyncio.sleep(REFRESH_SECONDS)


async def refresh(db: Database, clock: Clock) -> None:
    """Ask once."""

    async def look(tx: Transaction) -> dict[str, tuple[int, int]]:
        rows = await tx.all(QUERIES.queue)
        return {row["kind"]: (row["jobs"], row["oldest"]) for row in rows}

    found, now = await db.read(look), clock()
    for kind in ("function", "agentic"):
        jobs, oldest = found.get(kind, (0, now))
        QUEUED.labels(kind).set(jobs)
        OLDEST_WAIT.labels(kind).set(max(0, now - oldest) / SECOND)
    for what, count in db.pressure().items():
        DATABASE.labels(what).set(count)
