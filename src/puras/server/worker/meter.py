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
        self._over = asyncio.Event()

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
            self._over.set()
            await asyncio.shield(self._stop(ticking))

    async def _tick(self, run: asyncio.Task[object], failures: list[Exception]) -> None:
        """Pay for period after period; what can't be paid, or not be written, ends the run."""
        try:
            while not await self._is_over_within(self._left()):
                await self._go_on()
        except Exception as failure:
            failures.append(failure)
            if not self._over.is_set():
                run.cancel()

    async def _is_over_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                return await self._over.wait()
        except TimeoutError:
            return False

    async def _begin(self) -> None:
        async def effect(tx: Transaction) -> str:
            await self._fence(tx)
            return await self._take(tx)

        began = time.monotonic()
        self._hold = (await self._db.write(effect), began)

    async def _go_on(self) -> None:
        """Settle a period and hold the next one together: at no moment a run has neither."""
        assert self._hold is not None, "a run that goes on has begun"
        hold_id, began = self._hold
        cost, now = self._cost_since(began), time.monotonic()

        async def effect(tx: Transaction) -> str:
            await self._fence(tx)
            await holds.lock_wallet(tx, job_id=self._row["id"])
            await holds.settle(tx, hold_id=hold_id, cost_micros=cost, now=self._clock())
            return await self._take(tx)

        self._hold = (await self._db.write(effect), now)

    async def _fence(self, tx: Transaction) -> None:
        row = self._row
        if not await jobs.takes_turn(tx, job_id=row["id"], attempt=row["attempt"]):
            raise Refused("job_not_found", "this attempt is over: it may spend nothing any more")

    async def _take(self, tx: Transaction) -> str:
        held = await holds.hold(
            tx,
            job_id=self._row["id"],
            micros=math.ceil(self._micros_per_second * self._period),
            now=self._clock(),
            run_limit_micros=self._limit,
            paid_for=PaidFor("compute"),
        )
        return held.id

    async def _stop(self, ticking: asyncio.Task[None]) -> None:
        """Settle what is held, once a change of periods that has begun is through."""
        await ticking
        assert self._hold is not None, "a run that ends has begun"
        hold_id, began = self._hold
        cost = self._cost_since(began)
        await self._db.write(
            lambda tx: holds.settle(tx, hold_id=hold_id, cost_micros=cost, now=self._clock())
        )

    def _left(self) -> float:
        """Return how many seconds of the period are to come."""
        return 0 if self._hold is None else self._hold[1] + self._period - time.monotonic()

    def _cost_since(self, began: float) -> int:
        seconds = min(time.monotonic() - began, self._period)
        return math.ceil(self._micros_per_second * seconds)
