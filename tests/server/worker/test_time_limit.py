"""Time limits that do not run while a person is asked."""

from __future__ import annotations

import asyncio

import pytest

from puras.server.approvals import store as approvals
from puras.server.approvals.ask import Ask
from puras.server.approvals.store import Decision
from puras.server.clock import SECOND
from puras.server.db.database import Database
from puras.server.jobs import store as jobs
from puras.server.worker.time_limit import Asking, limited

from ..conftest import Seed
from ..support import HandClock
from .support import Bench


async def test_a_limit_that_nothing_stretches_is_a_limit() -> None:
    with pytest.raises(TimeoutError):
        async with limited(0.01):
            await asyncio.Event().wait()


async def test_the_seconds_of_asking_are_given_back_once() -> None:
    looks: list[float] = []

    async def stood_still() -> float:
        looks.append(0.02)
        return 0.02

    with pytest.raises(TimeoutError):
        async with limited(0.01, stood_still):
            await asyncio.Event().wait()
    assert len(looks) == 2


async def test_a_block_that_ends_in_time_leaves_nothing_behind() -> None:
    before = asyncio.all_tasks()
    async with limited(60):
        pass
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


async def test_what_jobs_below_asked_counts_where_it_covers_this_attempt(
    seed: Seed, db: Database
) -> None:
    await seed.workspace()
    parent_id = await seed.job()
    await seed.claim()
    await db.write(lambda tx: jobs.wait_for_child(tx, job_id=parent_id, attempt=1))
    clock = HandClock(100 * SECOND)
    asking = Asking(db, clock, parent_id, since=10 * SECOND)
    assert await asking() == 0
    for created, decided in ((5, 20), (15, 30), (90, None)):
        await seed.job(parent_job_id=parent_id, root_job_id=parent_id, depth=1)
        (child,) = await seed.claim()
        await db.write(
            lambda tx, row=child, now=created * SECOND: approvals.park(
                tx,
                row,
                [Ask("1", "refund", {}, 1)],
                timeout=3600 * SECOND,
                now=now,
                changes=jobs.Changes(),
            )
        )
        if decided is not None:
            (pending,) = [
                row
                for row in await db.read(lambda tx: approvals.of_line(tx, parent_id))
                if row["status"] == "pending"
            ]
            await db.write(
                lambda tx, row=pending, now=decided * SECOND: approvals.decide(
                    tx, row, Decision("approved"), now=now, changes=jobs.Changes()
                )
            )
            (child,) = await seed.claim()
    # 10 to 30, where two overlap and the first began before, and 90 to now.
    assert await asking() == 20 + 10


async def test_a_function_is_given_the_time_in_which_a_person_was_asked(bench: Bench) -> None:
    asked: list[float] = []

    async def stood_still() -> float:
        asked.append(60.0)
        return 60.0

    code = "import time\ndef run():\n    time.sleep(0.8)\n    return {'late': True}\n"
    result = await bench.result(code, timeout_seconds=0.5, stood_still=stood_still)
    assert result == {"late": True}
    assert asked == [60.0]
