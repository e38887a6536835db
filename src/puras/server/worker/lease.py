"""Keeps this worker's claim on its running jobs, and takes back what others lost.

One statement renews every lease; what it does not return has been fenced off (cancelled, or
taken over while this process was frozen) and its processes are killed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from puras.server.clock import Clock
from puras.server.db.database import Database, Row, Transaction
from puras.server.jobs import leases, store
from puras.server.jobs.states import RENEW_SECONDS
from puras.server.metrics.instruments import LOST, RENEWALS
from puras.server.workers import store as workers

_log = structlog.get_logger(__name__)
Attempts = set[tuple[str, int]]


class Lease:
    """Renews every few seconds until cancelled."""

    def __init__(
        self,
        db: Database,
        *,
        worker_id: str,
        places: int,
        clock: Clock,
        running: Callable[[], Attempts],
        drop: Callable[[str], Awaitable[None]],
        publish: Callable[[store.Changes], None],
    ) -> None:
        self._db = db
        self._worker_id = worker_id
        self._places = places
        self._clock = clock
        self._running = running
        self._drop = drop
        self._publish = publish
        self._strays: Attempts = set()

    async def keep(self) -> None:
        """Renew and recover for ever; a database that fails is asked again."""
        while True:
            try:
                await self.renew()
                await self.recover()
                RENEWALS.labels("done").inc()
            except Exception:
                RENEWALS.labels("failed").inc()
                _log.exception("lease_not_renewed")
            await asyncio.sleep(RENEW_SECONDS)

    async def look(self) -> None:
        """Stop what runs here and was ended, or taken over, elsewhere."""
        before = self._running()
        if before:
            kept = await self._db.read(lambda tx: leases.held(tx, worker_id=self._worker_id))
            await self._drop_fenced(before - kept)

    async def renew(self) -> None:
        before = self._running()
        rows = await self._db.write(self._renew)
        kept = set(rows)
        await self._drop_fenced(before - kept)
        await self._take_strays(rows, kept - before - self._running())

    async def _renew(self, tx: Transaction) -> dict[tuple[str, int], Row]:
        now = self._clock()
        rows = await leases.renew(tx, worker_id=self._worker_id, now=now)
        await workers.beat(tx, worker_id=self._worker_id, places=self._places, now=now)
        return rows

    async def leave(self) -> None:
        """Count as alive no more."""
        await self._db.write(lambda tx: workers.leave(tx, worker_id=self._worker_id))

    async def _drop_fenced(self, fenced: Attempts) -> None:
        for job_id, attempt in fenced & self._running():
            _log.warning("run_fenced_off", job_id=job_id, attempt=attempt)
            await self._drop(job_id)

    async def _take_strays(self, rows: dict[tuple[str, int], Row], strays: Attempts) -> None:
        """Queue again what is ours by name and runs nowhere: its end could not be written.

        Only what was astray the last time too: a job just claimed is not yet among the running.
        """
        for attempt in strays & self._strays:
            _log.warning("run_astray", job_id=attempt[0], attempt=attempt[1])
            await self._lose(rows[attempt])
        self._strays = strays

    async def recover(self, *, every: bool = False) -> None:
        """Requeue jobs whose worker is gone, or fail those that were lost too often; `every` at the
        start of the only server."""
        while await self._requeue(every=every):
            pass
        while rows := await self._db.read(lambda tx: self._lost_for_good(tx, every=every)):
            for row in rows:
                await self._lose(row)

    async def _lost_for_good(self, tx: Transaction, *, every: bool) -> list[Row]:
        now = await leases.clock(tx, now=self._clock())
        return await leases.lost_for_good(tx, worker_id=self._worker_id, now=now, every=every)

    async def _requeue(self, *, every: bool) -> bool:
        """Requeue what can be queued again, a hundred at most; False where there was nothing."""

        async def effect(tx: Transaction) -> store.Changes:
            now = await leases.clock(tx, now=self._clock())
            return await leases.recover(tx, worker_id=self._worker_id, now=now, every=every)

        changes = await self._db.write(effect)
        if changes.events:
            LOST.inc(len(changes.events))
            _log.warning("jobs_recovered", count=len(changes.events))
            self._publish(changes)
        return bool(changes.events)

    async def _lose(self, row: Row) -> None:
        async def effect(tx: Transaction) -> store.Changes:
            changes = store.Changes()
            await leases.lose(tx, row, now=self._clock(), changes=changes)
            return changes

        LOST.inc()
        _log.warning("job_lost", job_id=row["id"], attempt=row["attempt"])
        self._publish(await self._db.write(effect))
