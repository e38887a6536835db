"""Charges a run for its compute time, where the operator has set a price.

Every ten seconds are held before they are used and settled after; a hold that can't be had ends
the run. Without a price the meter does nothing.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from puras.server.billing import store as billing
from puras.server.clock import Clock
from puras.server.db.database import Database, Row
from puras.server.refusals import Refused
from puras.server.settings import Settings
from puras.wire import MICROS_PER_USD

PERIOD_SECONDS = 10.0


class Meter:
    """Holds and settles the compute of one attempt."""

    def __init__(self, db: Database, settings: Settings, clock: Clock, row: Row) -> None:
        self._db = db
        self._clock = clock
        self._row = row
        self._micros_per_second = settings.compute_usd_per_second * MICROS_PER_USD
        limit = settings.run_cost_limit_usd
        self._limit = None if limit is None else int(limit * MICROS_PER_USD)
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
        refusals: list[Refused] = []
        ticking = asyncio.create_task(self._tick(task, refusals))
        try:
            yield
        except asyncio.CancelledError:
            if not refusals:
                raise
            task.uncancel()
            raise refusals[0] from None
        finally:
            ticking.cancel()
            await self._settle()

    async def _tick(self, run: asyncio.Task[object], refusals: list[Refused]) -> None:
        while True:
            await asyncio.sleep(PERIOD_SECONDS)
            await self._settle()
            try:
                await self._begin()
            except Refused as refusal:
                refusals.append(refusal)
                run.cancel()
                return

    async def _begin(self) -> None:
        micros = math.ceil(self._micros_per_second * PERIOD_SECONDS)
        hold_id = await self._db.write(
            lambda tx: billing.hold(
                tx,
                job_id=self._row["id"],
                micros=micros,
                now=self._clock(),
                run_limit_micros=self._limit,
            )
        )
        self._hold = (hold_id, time.monotonic())

    async def _settle(self) -> None:
        if self._hold is None:
            return
        (hold_id, began), self._hold = self._hold, None
        seconds = min(time.monotonic() - began, PERIOD_SECONDS)
        cost = math.ceil(self._micros_per_second * seconds)
        await self._db.write(lambda tx: billing.settle(tx, hold_id=hold_id, cost_micros=cost))
