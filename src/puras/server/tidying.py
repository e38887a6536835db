"""What a server forgets in the course of time: keys of repeats, sessions, workers that are gone,
old jobs, and bytes that no row knows. Where servers share the data one of them does it at a time.
"""

from __future__ import annotations

import asyncio
import itertools

import structlog

from puras.server import clock
from puras.server.agent.workspace_copy import WorkspaceCopies
from puras.server.idempotency import store as idempotency
from puras.server.platform import Platform
from puras.server.retention.sweep import sweep
from puras.server.sessions import store as sessions
from puras.server.workers import store as workers

_HOUR_SECONDS = 3600.0
_KEPT: clock.Micros = 3 * clock.DAY  # a day was promised, and clocks may be wrong by one

_log = structlog.get_logger()


async def tidy_hourly(platform: Platform) -> None:
    """Tidy now and every hour, for ever; look through the drive once a day."""
    for hour in itertools.count():
        try:
            await _tidy(platform)
            if hour % 24 == 1:
                await _tidy_drive(platform)
        except Exception:
            _log.exception("tidying_failed")
        await asyncio.sleep(_HOUR_SECONDS)


async def _tidy(platform: Platform) -> None:
    now, db = platform.clock(), platform.db
    async with db.exclusively("tidy"):
        await db.write(lambda tx: idempotency.prune(tx, before=now - _KEPT))
        await db.write(lambda tx: sessions.prune(tx, now=now))
        await db.write(lambda tx: workers.forget(tx, before=now - _KEPT))
        if await WorkspaceCopies(db, platform.storage).tidy():
            _log.info("working_directories_removed")
        if (days := platform.settings.retention_days) is not None:
            forgotten = await sweep(db, platform.drive, days=days, now=now)
            if forgotten:
                _log.info("jobs_forgotten", count=forgotten, older_than_days=days)


async def _tidy_drive(platform: Platform) -> None:
    """Look through all bytes of the drive: once a day, for there may be many."""
    async with platform.db.exclusively("tidy"):
        if removed := await platform.drive.tidy(settled_seconds=_KEPT / clock.SECOND):
            _log.info("unknown_files_removed", count=removed)
