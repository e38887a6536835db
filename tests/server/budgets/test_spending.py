"""Budgets at work: at submit, at each hold, and when they warn; never a micro too much."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from puras.server.billing import store as billing
from puras.server.budgets import store
from puras.server.budgets.store import Budget, Spender, Terms
from puras.server.clock import DAY
from puras.server.db.database import Transaction
from puras.server.db.migrate import migrate_sqlite
from puras.server.db.sqlite import SQLiteDatabase
from puras.server.refusals import Refused

from ..billing.test_holds import NOON, World, make_world
from ..jobs.bench import Bench, Skill, open_bench
from ..support import problem


async def budget(world: World, limit: int, *, skill: str | None = None, **terms: Any) -> Budget:
    """Make a budget of the workspace, or of a skill of its pack."""
    pack = None if skill is None else (world.skillpack_id, "pack")
    return await world.db.write(
        lambda tx: store.create(
            tx,
            Terms(terms.pop("window", "day"), limit, **terms),
            workspace_id=world.workspace_id,
            skillpack=pack,
            skill_name=skill,
            now=NOON,
        )
    )


async def spent(world: World, budget: Budget, now: int = NOON) -> int:
    return await world.db.read(lambda tx: store.spent(tx, budget, now=now))


def spender(world: World, skill: str = "s") -> Spender:
    return Spender(world.workspace_id, world.skillpack_id, skill)


async def test_a_hold_beyond_a_budget_is_refused_and_leaves_nothing(db: SQLiteDatabase) -> None:
    world = await make_world(db, money=1000)
    limit = await budget(world, 100)
    job = await world.job()
    await world.hold(job, 60)
    with pytest.raises(Refused, match="cost_limit"):
        await world.hold(job, 41)
    assert await spent(world, limit) == 60
    await world.hold(job, 40)
    assert await spent(world, limit) == 100


async def test_what_was_held_and_not_needed_is_free_again(db: SQLiteDatabase) -> None:
    world = await make_world(db, money=1000)
    limit = await budget(world, 100)
    job = await world.job()
    await world.settle(await world.hold(job, 100), 30)
    assert await spent(world, limit) == 30
    await world.hold(job, 70)
    await world.close(job, succeeded=False)
    assert await spent(world, limit) == 30


async def test_a_child_spends_from_the_budget_of_the_skill_that_started_it(
    db: SQLiteDatabase,
) -> None:
    world = await make_world(db, money=1000)
    limit, other = await budget(world, 100, skill="s"), await budget(world, 0, skill="other")
    child = await world.job(parent=await world.job())
    await world.hold(child, 100)
    assert (await spent(world, limit), await spent(world, other)) == (100, 0)
    with pytest.raises(Refused, match="cost_limit"):
        await world.hold(child, 1)


@pytest.mark.parametrize("terms", [{"enforce": False}, {"enabled": False}])
async def test_a_budget_that_is_not_enforced_or_is_off_refuses_nothing(
    db: SQLiteDatabase, terms: dict[str, Any]
) -> None:
    world = await make_world(db, money=1000)
    limit = await budget(world, 0, **terms)
    await world.hold(await world.job(), 500)
    await db.read(lambda tx: store.check(tx, spender(world), now=NOON))
    assert await spent(world, limit) == 500


@pytest.mark.parametrize(
    ("window", "days", "counts"),
    [
        ("day", 0, True),
        ("day", 1, False),
        ("rolling30", 29, True),
        ("rolling30", 30, False),
        ("total", 4000, True),
    ],
)
async def test_what_was_spent_counts_in_its_window_only(
    db: SQLiteDatabase, window: str, days: int, counts: bool
) -> None:
    world = await make_world(db, money=1000)
    limit = await budget(world, 100, window=window)
    await world.settle(await world.hold(await world.job(), 70), 70)
    assert await spent(world, limit, NOON + days * DAY) == (70 if counts else 0)


async def test_a_submit_passes_while_something_is_left_and_names_the_budget_that_has_nothing(
    db: SQLiteDatabase,
) -> None:
    world = await make_world(db, money=1000)
    await budget(world, 1000)
    limit = await budget(world, 10, skill="s")
    job = await world.job()
    await world.hold(job, 9)
    await db.read(lambda tx: store.check(tx, spender(world), now=NOON))
    await world.hold(job, 1)
    with pytest.raises(Refused, match="budget_exhausted") as refusal:
        await db.read(lambda tx: store.check(tx, spender(world), now=NOON))
    assert refusal.value.status == 402
    assert limit.id in refusal.value.detail
    assert "pack/s" in refusal.value.detail
    await db.read(lambda tx: store.check(tx, spender(world, "other"), now=NOON))
    await db.read(lambda tx: store.check(tx, spender(world), now=NOON + DAY))


async def test_an_alert_is_given_once_in_a_window(db: SQLiteDatabase) -> None:
    world = await make_world(db, money=1000)
    limit = await budget(world, 100, alert_pct=50)
    job = await world.job()

    async def alerts(held: int, cost: int) -> list[Any]:
        with capture_logs() as logs:
            await world.settle(await world.hold(job, held), cost)
        return [log for log in logs if log["event"] == "budget_alert"]

    assert await alerts(80, 49) == []
    (alert,) = await alerts(10, 1)
    assert (alert["budget_id"], alert["log_level"]) == (limit.id, "warning")
    assert (alert["spent_micros"], alert["limit_micros"]) == (50, 100)
    assert await alerts(10, 10) == []
    again = await db.read(lambda tx: store.get(tx, limit.id, workspace_id=world.workspace_id))
    assert (again.alert_at(NOON), again.alert_at(NOON + DAY)) == (NOON, None)


async def test_changed_terms_have_given_no_alert(db: SQLiteDatabase) -> None:
    world = await make_world(db, money=1000)
    limit = await budget(world, 100, alert_pct=50)
    await world.settle(await world.hold(await world.job(), 60), 60)

    async def change(tx: Transaction) -> Budget:
        found = await store.get(tx, limit.id, workspace_id=world.workspace_id)
        assert found.alerted_at == NOON
        return await store.change(tx, found, Terms("day", 1000, alert_pct=50))

    assert (await db.write(change)).alerted_at is None


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["hold", "hold", "settle", "succeed", "fail"]),
        st.integers(0, 3),
        st.integers(0, 60),
    ),
    max_size=30,
)


@given(STEPS)
def test_no_order_of_calls_overspends_a_budget(steps: list[tuple[str, int, int]]) -> None:
    asyncio.run(_play(steps))


async def _play(steps: list[tuple[str, int, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.db"
        migrate_sqlite(path)
        db = SQLiteDatabase(path)
        try:
            await _play_on(await make_world(db, money=10_000), steps)
        finally:
            await db.close()


async def _play_on(world: World, steps: list[tuple[str, int, int]]) -> None:
    limits = [await budget(world, 100), await budget(world, 150, window="total", skill="s")]
    jobs = [await world.job() for _ in range(4)]
    holds: dict[int, list[str]] = {n: [] for n in range(4)}
    for verb, which, micros in steps:
        if verb == "hold":
            with suppress(Refused):
                holds[which].append(await world.hold(jobs[which], micros))
        elif verb == "settle" and holds[which]:
            await world.settle(holds[which].pop(), micros)
        elif verb in {"succeed", "fail"}:
            await world.close(jobs[which], succeeded=verb == "succeed")
            jobs[which], holds[which] = await world.job(), []
        for limit in limits:
            counted = await spent(world, limit)
            assert counted <= limit.terms.limit_micros
            assert counted == await _held(world)


async def _held(world: World) -> int:
    return await world.db.read(
        lambda tx: billing.workspace_spent_today(tx, workspace_id=world.workspace_id, now=NOON)
    )


async def test_many_holds_at_once_take_exactly_what_there_is(db: SQLiteDatabase) -> None:
    world = await make_world(db, money=1000)
    limit = await budget(world, 100)
    jobs = [await world.job() for _ in range(50)]
    done = await asyncio.gather(*(world.hold(job, 7) for job in jobs), return_exceptions=True)
    assert sum(isinstance(each, str) for each in done) == 14
    assert await spent(world, limit) == 98


SLEEP = Skill("sleep", "import time\ndef run(): time.sleep(60)\n")


async def test_a_run_is_stopped_by_a_budget_and_the_next_submit_refused(tmp_path: Path) -> None:
    async with open_bench(
        tmp_path / "data", compute_usd_per_second=1.0, compute_period_seconds=0.1
    ) as bench:
        await bench.deploy(SLEEP)
        terms = {"scope": "skillpack", "skillpack": "pack", "window": "day", "limit_usd": 0.3}
        made = (await bench.client.post("/v1/budgets", json=terms)).json()
        job = await bench.run("sleep")
        assert (job["status"], job["error_code"]) == ("failed", "cost_limit")
        (shown,) = (await bench.client.get("/v1/budgets")).json()
        assert 0 < shown["spent_micros"] <= 300_000
        body = {"limit_usd": shown["spent_micros"] / 1_000_000}
        await bench.client.patch(f"/v1/budgets/{made['id']}", json=body)
        refused = await bench.submit("sleep")
        assert problem(refused) == (402, "budget_exhausted")
        assert made["id"] in refused.json()["detail"]


async def test_the_budget_is_looked_at_before_the_wallet_and_after_the_rate(bench: Bench) -> None:
    await bench.deploy(SLEEP)
    terms = {"scope": "workspace", "window": "total", "limit_usd": 0}
    await bench.client.post("/v1/budgets", json=terms)
    await bench.alter("UPDATE workspaces SET balance_micros = 0")
    assert problem(await bench.submit("sleep", {"not": "an input"})) == (402, "budget_exhausted")
