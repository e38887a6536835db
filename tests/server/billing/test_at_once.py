"""Money when many ask for it at the same moment: exact, whichever limit is the tightest.

On PostgreSQL transactions really run side by side; on SQLite the same must come out.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from contextlib import suppress

import pytest

from puras.server.billing import holds, store
from puras.server.budgets import store as budgets
from puras.server.budgets import windows
from puras.server.budgets.store import Budget, Terms
from puras.server.clock import DAY, SECOND, utc_day
from puras.server.db.database import Database, Transaction
from puras.server.db.queries import Query
from puras.server.keys import store as keys
from puras.server.refusals import Refused
from puras.wire import BudgetWindow

from .test_holds import World, make_world

WINDOWS: tuple[BudgetWindow, ...] = ("day", "month", "rolling30", "total")
MIDNIGHT = 20_089 * DAY
"""The first moment of January 2025."""
LIMITS: dict[BudgetWindow, int] = {"day": 90, "month": 130, "rolling30": 200, "total": 230}
OPEN = Query("open", "SELECT count(*) AS n FROM holds WHERE state <> 'closed'")


async def spend(world: World, chance: random.Random, *, now: int) -> None:
    """Run a job that holds and settles a few times, and ends in one way or another."""
    job = await world.job()
    for _ in range(3):
        with suppress(Refused):
            held = await world.hold_at_least(
                job, chance.randint(1, 30), chance.randint(1, 9), now=now
            )
            if chance.random() < 0.8:
                await world.settle(held.id, chance.randint(0, held.micros))
    await world.close(job, succeeded=chance.random() < 0.5)


async def by_day(world: World) -> Counter[int]:
    query = Query("by_day", "SELECT day, SUM(cost_micros) AS micros FROM holds GROUP BY day")
    rows = await world.db.read(lambda tx: tx.all(query))
    return Counter({row["day"]: int(row["micros"]) for row in rows})


async def set_budget(world: World, window: BudgetWindow, limit: int) -> Budget:
    return await world.db.write(
        lambda tx: budgets.create(
            tx, Terms(window, limit), workspace_id=world.workspace_id, now=MIDNIGHT
        )
    )


async def test_no_window_is_overspent_by_processes_whose_clocks_are_on_both_sides_of_midnight(
    db: Database,
) -> None:
    world = await make_world(db, money=10_000, cap=80)
    for window, limit in LIMITS.items():
        await set_budget(world, window, limit)
    chance = random.Random(7)
    moments = [MIDNIGHT - SECOND, MIDNIGHT, MIDNIGHT - DAY, MIDNIGHT + 31 * DAY]
    await asyncio.gather(*(spend(world, chance, now=chance.choice(moments)) for _ in range(60)))
    spent = await by_day(world)
    assert max(spent.values()) <= 80
    for moment in moments:
        for window, limit in LIMITS.items():
            first, today = windows.first_day(window, moment), utc_day(moment)
            assert sum(spent[day] for day in spent if first <= day <= today) <= limit
    row = await db.read(lambda tx: tx.one(OPEN))
    assert row is not None
    assert row["n"] == 0
    assert await db.read(store.audit) == []
    await drained(world, now=MIDNIGHT + 31 * DAY)


async def drained(world: World, *, now: int) -> None:
    """Spend what is left, to the last micro: nothing is stuck."""
    job = await world.job()
    while True:
        try:
            await world.settle((await world.hold_at_least(job, 30, 1, now=now)).id, 30)
        except Refused:
            break
    spent = await by_day(world)
    assert sum(spent.values()) == LIMITS["total"] or spent[utc_day(now)] == 80


async def test_a_tree_of_runs_shares_one_limit_however_many_of_them_pay_at_once(
    db: Database,
) -> None:
    world = await make_world(db, money=10_000)
    root = await world.job()
    tree = [root, *[await world.job(parent=root) for _ in range(9)]]
    done = await asyncio.gather(
        *(world.hold(job, 7, limit=100) for job in tree for _ in range(4)),
        return_exceptions=True,
    )
    assert sum(isinstance(one, str) for one in done) == 100 // 7
    assert sum(isinstance(one, Refused) for one in done) == 40 - 100 // 7


@pytest.mark.parametrize("limit", ["cap", "budget"])
async def test_a_limit_that_was_lowered_holds_from_the_answer_on(db: Database, limit: str) -> None:
    world = await make_world(db, money=10_000, cap=None if limit == "budget" else 9_000)
    budget = await set_budget(world, "day", 9_000)
    granted: list[int] = []
    enough = asyncio.Event()

    async def pay() -> None:
        job = await world.job()
        with suppress(Refused):
            for _ in range(20):
                await world.hold(job, 1, now=MIDNIGHT)
                granted.append(1)
                if len(granted) == 20:
                    enough.set()

    async def lower() -> int:
        await enough.wait()
        if limit == "cap":
            await db.write(
                lambda tx: keys.change(
                    tx,
                    workspace_id=world.workspace_id,
                    key_id=world.key_id,
                    changes={"daily_cap_micros": 10},
                )
            )
        else:
            await db.write(lambda tx: change_budget(tx, world, budget))
        return await world.spent(MIDNIGHT)

    spent_when_lowered, *_ = await asyncio.gather(lower(), *(pay() for _ in range(10)))
    assert 20 <= spent_when_lowered < 200
    assert await world.spent(MIDNIGHT) == spent_when_lowered


async def change_budget(tx: Transaction, world: World, budget: Budget) -> None:
    found = await budgets.get_to_change(tx, budget.id, workspace_id=world.workspace_id)
    await budgets.change(tx, found, Terms("day", 10))


async def test_parallel_calls_of_one_run_take_no_more_than_the_run_may(db: Database) -> None:
    world = await make_world(db, money=10_000, cap=500)
    job = await world.job()

    async def call(n: int) -> int:
        try:
            held = await world.hold_at_least(job, 30, 10, limit=100)
        except Refused:
            return 0
        return await world.settle(held.id, n)

    paid = sum(await asyncio.gather(*(call(n) for n in range(40))))
    assert paid == await world.job_cost(job) <= 100
    assert (
        await db.write(lambda tx: holds.close_job(tx, job_id=job, succeeded=True, now=MIDNIGHT))
        == paid
    )
