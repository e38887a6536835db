"""Charges a run for its compute time, where the operator has set a price.

Each period (ten seconds) is held before it is used and settled after; a hold that can't be had
ends the run. Without a price the meter does nothing.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from puras.server.billing import holds
from puras.server.billing.holds import PaidFor
from puras.server.clock import Clock
from puras.server.db.database import Database, Row, Transaction
from puras.server.jobs import store as jobs
from puras.server.refusals import Refused
from puras.server.settings import Settings
from puras.wire import MICROS_PER_USD


class Meter:
    """Holds and settles the compute of one attempt."""

    def __init__(self, db: Database, settings: Settings, clock: Clock, row: Row) -> None:
        self._db = db
        self._clock = clock
        self._row = row
        self._period = settings.compute_period_seconds
        self._micros_per_second = settings.compute_usd_per_second * MICROS_PER_USD
        self._limit = settings.run_limit_micros
        self._hold: tuple[str, float] | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Charge for the time inside of the block.

        Raises:
            Refused: `cost_limit`, at the start or, by cancelling the block, later on.
        """
        if self._micros_per_second <= 0:
            yield
            return
        await self._begin()
        task = asyncio.current_task()
        assert task is not None
        failures: list[Exception] = []
        ticking = asyncio.create_task(self._tick(task, failures))
        try:
            yield
        except asyncio.CancelledError:
            if not failures:
                raise
            task.uncancel()
            raise failures[0] from None
        finally:
            ticking.cancel()
            await asyncio.shield(self._settle())

    async def _tick(self, run: asyncio.Task[object], failures: list[Exception]) -> None:
        """Pay for period after period; what can't be paid, or not be written, ends the run."""
        try:
            while True:
                await asyncio.sleep(self._period)
                await asyncio.shield(self._settle())  # begun, it is not lost with the run's end
                await self._begin()
        except Exception as failure:
            failures.append(failure)
            run.cancel()

    async def _begin(self) -> None:
        micros = math.ceil(self._micros_per_second * self._period)
        self._hold = (await self._db.write(lambda tx: self._take(tx, micros)), time.monotonic())

    async def _take(self, tx: Transaction, micros: int) -> str:
        row = self._row
        if not await jobs.is_running(tx, job_id=row["id"], attempt=row["attempt"]):
            raise Refused("job_not_found", "this attempt is over: it may spend nothing any more")
        held = await holds.hold(
            tx,
            job_id=row["id"],
            micros=micros,
            now=self._clock(),
            run_limit_micros=self._limit,
            paid_for=PaidFor("compute"),
        )
        return held.id

    async def _settle(self) -> None:
        if self._hold is None:
            return
        (hold_id, began), self._hold = self._hold, None
        seconds = min(time.monotonic() - began, self._period)
        cost = math.ceil(self._micros_per_second * seconds)
        await self._db.write(
            lambda tx: holds.settle(tx, hold_id=hold_id, cost_micros=cost, now=self._clock())
        )
