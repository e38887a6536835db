"""Holds against real rows: what is granted, what is refused, and that nothing is overspent."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from puras.server.billing import holds, store
from puras.server.billing.holds import Hold
from puras.server.clock import DAY, SECOND, new_id
from puras.server.db.database import Database, Transaction
from puras.server.db.migrate import migrate_sqlite
from puras.server.db.queries import Query
from puras.server.db.sqlite import SQLiteDatabase
from puras.server.refusals import Refused
from puras.server.workspaces import store as workspaces

NOON = 20_000 * DAY + DAY // 2

INSERT_KEY = Query(
    "insert_key",
    "INSERT INTO keys (id, workspace_id, name, kind, prefix, secret_hash, daily_cap_micros, "
    "created_at) VALUES (:id, :workspace_id, 'k', 'secret', :id, :hash, :cap, 0)",
)
INSERT_PACK = Query(
    "insert_pack",
    "INSERT INTO skillpacks (id, workspace_id, slug, name, created_at) "
    "VALUES (:id, :workspace_id, 'pack', 'pack', 0)",
)
INSERT_DEPLOYMENT = Query(
    "insert_deployment",
    "INSERT INTO deployments (id, skillpack_id, workspace_id, version, size_bytes, sha256, "
    "manifest, created_at) VALUES (:id, :skillpack_id, :workspace_id, 1, 1, 'x', '{}', 0)",
)
INSERT_JOB = Query(
    "insert_job",
    "INSERT INTO jobs (id, workspace_id, skillpack_id, skillpack, deployment_id, version, "
    "skill_name, type, key_id, parent_job_id, root_job_id, inputs, created_at) VALUES "
    "(:id, :workspace_id, :skillpack_id, 'pack', :deployment_id, 1, 's', 'function', :key_id, "
    ":parent, :root, '{}', 0)",
)
END_JOB = Query(
    "end_job",
    "UPDATE jobs SET status = 'cancelled', error_code = 'cancelled', finished_at = 1 "
    "WHERE id = :id",
)
JOB_COST = Query("job_cost", "SELECT cost_micros AS micros FROM jobs WHERE id = :id")
BREAK_BALANCE = Query("break_balance", "UPDATE workspaces SET balance_micros = 7")


@dataclass(frozen=True)
class World:
    """One workspace with money, one key, one deployment, and jobs at will."""

    db: Database
    workspace_id: str
    key_id: str
    skillpack_id: str
    deployment_id: str

    async def job(self, parent: str | None = None) -> str:
        job_id = new_id()
        await self.db.write(
            lambda tx: tx.run(
                INSERT_JOB,
                id=job_id,
                workspace_id=self.workspace_id,
                skillpack_id=self.skillpack_id,
                deployment_id=self.deployment_id,
                key_id=self.key_id if parent is None else None,
                parent=parent,
                root=parent or job_id,
            )
        )
        return job_id

    async def hold(
        self, job_id: str, micros: int, *, now: int = NOON, limit: int | None = None
    ) -> str:
        return (await self.hold_at_least(job_id, micros, None, now=now, limit=limit)).id

    async def hold_at_least(
        self,
        job_id: str,
        micros: int,
        least: int | None,
        *,
        now: int = NOON,
        limit: int | None = None,
    ) -> Hold:
        return await self.db.write(
            lambda tx: holds.hold(
                tx,
                job_id=job_id,
                micros=micros,
                least_micros=least,
                now=now,
                run_limit_micros=limit,
            )
        )

    async def settle(self, hold_id: str, cost: int) -> int:
        return await self.db.write(
            lambda tx: holds.settle(tx, hold_id=hold_id, cost_micros=cost, now=NOON)
        )

    async def close(self, job_id: str, *, succeeded: bool) -> int:
        return await self.db.write(
            lambda tx: holds.close_job(tx, job_id=job_id, succeeded=succeeded, now=NOON)
        )

    async def balance(self) -> int:
        return await self.db.read(lambda tx: store.balance(tx, self.workspace_id))

    async def spent(self, now: int = NOON) -> int:
        return await self.db.read(lambda tx: store.spent_today(tx, key_id=self.key_id, now=now))

    async def job_cost(self, job_id: str) -> int:
        row = await self.db.read(lambda tx: tx.one(JOB_COST, id=job_id))
        assert row is not None
        return int(row["micros"])


async def make_world(db: Database, *, money: int, cap: int | None = None) -> World:
    async def build(tx: Transaction) -> World:
        workspace = await workspaces.create(
            tx, slug=new_id(), name="W", grant_micros=money, now=NOON
        )
        world = World(db, workspace.id, new_id(), new_id(), new_id())
        await tx.run(INSERT_KEY, id=world.key_id, workspace_id=workspace.id, hash=b"0", cap=cap)
        await tx.run(INSERT_PACK, id=world.skillpack_id, workspace_id=workspace.id)
        await tx.run(
            INSERT_DEPLOYMENT,
            id=world.deployment_id,
            skillpack_id=world.skillpack_id,
            workspace_id=workspace.id,
        )
        return world

    return await db.write(build)


async def test_a_hold_beyond_the_wallet_is_refused_and_leaves_nothing(db: Database) -> None:
    world = await make_world(db, money=100)
    job = await world.job()
    await world.hold(job, 60)
    with pytest.raises(Refused, match="cost_limit") as refusal:
        await world.hold(job, 41)
    assert refusal.value.status == 402
    await world.hold(job, 40)
    assert await world.spent() == 100


async def test_a_hold_beyond_the_daily_cap_is_refused(db: Database) -> None:
    world = await make_world(db, money=1000, cap=50)
    await world.hold(await world.job(), 30)
    with pytest.raises(Refused, match="cost_limit"):
        await world.hold(await world.job(), 21)


async def test_the_cap_counts_the_utc_day_of_the_hold(db: Database) -> None:
    world = await make_world(db, money=1000, cap=50)
    job = await world.job()
    await world.hold(job, 50)
    assert await world.spent(NOON + DAY) == 0
    await world.hold(job, 50, now=NOON + DAY)


async def test_a_child_spends_from_the_cap_of_the_key_that_submitted_its_root(
    db: Database,
) -> None:
    world = await make_world(db, money=1000, cap=50)
    child = await world.job(parent=await world.job())
    await world.hold(child, 50)
    assert await world.spent() == 50
    with pytest.raises(Refused, match="cost_limit"):
        await world.hold(child, 1)


async def test_the_run_limit_bounds_a_root_job_and_its_children_together(
    db: Database,
) -> None:
    world = await make_world(db, money=1000)
    root = await world.job()
    await world.hold(root, 60, limit=100)
    with pytest.raises(Refused, match="cost_limit"):
        await world.hold(await world.job(parent=root), 41, limit=100)
    await world.hold(await world.job(), 100, limit=100)


async def test_a_hold_for_an_unknown_job_is_refused(db: Database) -> None:
    world = await make_world(db, money=1000)
    with pytest.raises(Refused, match="cost_limit"):
        await world.hold(new_id(), 1)


async def test_a_job_that_is_over_holds_nothing_more(db: Database) -> None:
    world = await make_world(db, money=1000)
    job = await world.job()
    await db.write(lambda tx: tx.run(END_JOB, id=job))
    with pytest.raises(Refused, match="cost_limit"):
        await world.hold(job, 1)


async def test_a_hold_that_may_be_lowered_takes_what_the_tightest_limit_leaves(
    db: Database,
) -> None:
    world = await make_world(db, money=1000, cap=500)
    job = await world.job()
    assert (await world.hold_at_least(job, 600, 10, limit=70)).micros == 70
    await world.hold(job, 380)
    assert (await world.hold_at_least(job, 20, 10)).micros == 20
    assert (await world.hold_at_least(job, 600, 10)).micros == 30
    with pytest.raises(Refused, match="cost_limit"):
        await world.hold_at_least(job, 600, 10)
    assert await world.spent() == 500


async def test_holds_at_once_that_may_be_lowered_share_the_last_of_the_money(
    db: Database,
) -> None:
    world = await make_world(db, money=100)
    jobs = [await world.job() for _ in range(20)]
    done = await asyncio.gather(
        *(world.hold_at_least(job, 60, 10) for job in jobs), return_exceptions=True
    )
    assert sorted(one.micros for one in done if isinstance(one, Hold)) == [40, 60]
    assert sum(isinstance(one, Refused) for one in done) == 18


async def test_a_settled_hold_costs_what_it_cost_and_frees_the_rest(db: Database) -> None:
    world = await make_world(db, money=100)
    job = await world.job()
    assert await world.settle(await world.hold(job, 100), 30) == 30
    assert (await world.spent(), await world.job_cost(job)) == (30, 30)
    await world.hold(job, 70)


async def test_a_cost_above_the_hold_is_cut_to_it_and_told_to_the_operator(db: Database) -> None:
    world = await make_world(db, money=100)
    job = await world.job()
    hold_id = await world.hold(job, 10)
    with capture_logs() as logs:
        assert await world.settle(hold_id, 99) == 10
    assert await world.job_cost(job) == 10
    told = {"job_id": job, "kind": "other", "label": "", "held_micros": 10, "cost_micros": 99}
    assert logs == [{"event": "cost_above_hold", "log_level": "warning", **told}]


async def test_settling_twice_counts_once(db: Database) -> None:
    world = await make_world(db, money=100)
    job = await world.job()
    hold_id = await world.hold(job, 10)
    assert [await world.settle(hold_id, 8), await world.settle(hold_id, 8)] == [8, 0]
    assert await world.job_cost(job) == 8


async def test_success_writes_one_debit_and_closing_again_none(db: Database) -> None:
    world = await make_world(db, money=100)
    job = await world.job()
    await world.settle(await world.hold(job, 10), 8)
    await world.settle(await world.hold(job, 10), 5)
    await world.hold(job, 50)
    assert [await world.close(job, succeeded=True) for _ in range(2)] == [13, 0]
    rows = await db.read(lambda tx: store.ledger(tx, world.workspace_id))
    assert [(row.kind, row.amount_micros) for row in rows] == [("grant", 100), ("debit", -13)]
    assert rows[1].job_id == job
    assert await world.balance() == 87
    assert await db.read(store.audit) == []


async def test_a_failed_job_is_free_to_the_wallet_and_counts_on_the_cap(
    db: Database,
) -> None:
    world = await make_world(db, money=100, cap=20)
    job = await world.job()
    await world.settle(await world.hold(job, 20), 20)
    assert await world.close(job, succeeded=False) == 0
    assert (await world.balance(), await world.spent()) == (100, 20)
    with pytest.raises(Refused, match="cost_limit"):
        await world.hold(await world.job(), 1)


async def test_a_success_that_cost_nothing_writes_no_debit(db: Database) -> None:
    world = await make_world(db, money=100)
    job = await world.job()
    assert await world.close(job, succeeded=True) == 0
    assert len(await db.read(lambda tx: store.ledger(tx, world.workspace_id))) == 1


async def test_settling_after_the_end_of_the_job_changes_no_cost(db: Database) -> None:
    world = await make_world(db, money=100)
    job = await world.job()
    hold_id = await world.hold(job, 10)
    await world.close(job, succeeded=False)
    assert await world.settle(hold_id, 10) == 0
    assert (await world.job_cost(job), await world.spent()) == (0, 0)


async def test_a_hundred_holds_at_once_never_overspend_the_wallet(db: Database) -> None:
    world = await make_world(db, money=1000, cap=700)
    jobs = [await world.job() for _ in range(4)]
    outcomes = await asyncio.gather(
        *(world.hold(jobs[n % 4], 13) for n in range(100)), return_exceptions=True
    )
    granted = [outcome for outcome in outcomes if isinstance(outcome, str)]
    refused = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
    assert (len(granted), len(refused)) == (700 // 13, 100 - 700 // 13)
    assert await world.spent() == len(granted) * 13


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["hold", "settle", "succeed", "fail"]),
            st.integers(0, 3),
            st.integers(0, 60),
        ),
        max_size=30,
    )
)
def test_no_order_of_calls_overspends_or_unbalances(steps: list[tuple[str, int, int]]) -> None:
    asyncio.run(_play(steps))


async def _play(steps: list[tuple[str, int, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.db"
        migrate_sqlite(path)
        db = SQLiteDatabase(path)
        try:
            await _play_on(await make_world(db, money=100, cap=150), steps)
        finally:
            await db.close()


async def _play_on(world: World, steps: list[tuple[str, int, int]]) -> None:
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
        assert await world.balance() >= 0
        assert await world.spent() <= 150
        assert await world.db.read(store.audit) == []


async def test_submit_is_refused_when_the_daily_cap_is_used_up(db: Database) -> None:
    world = await make_world(db, money=1000, cap=50)

    async def check(now: int) -> None:
        await db.read(
            lambda tx: store.check_daily_cap(tx, key_id=world.key_id, daily_cap_micros=50, now=now)
        )

    job = await world.job()
    await world.hold(job, 49)
    await check(NOON)
    await world.hold(job, 1)
    with pytest.raises(Refused, match="spend_cap_reached") as refusal:
        await check(NOON)
    assert (refusal.value.status, refusal.value.retry_after) == (429, DAY // 2 // SECOND)
    await check(NOON + DAY)


async def test_a_key_without_a_cap_is_never_refused_for_it(db: Database) -> None:
    world = await make_world(db, money=10)
    await world.hold(await world.job(), 10)
    await db.read(
        lambda tx: store.check_daily_cap(tx, key_id=world.key_id, daily_cap_micros=None, now=NOON)
    )


async def test_submit_is_refused_while_running_jobs_have_taken_the_whole_wallet(
    db: Database,
) -> None:
    world = await make_world(db, money=10)
    job = await world.job()
    await world.hold(job, 9)
    await db.read(lambda tx: store.check_credits(tx, workspace_id=world.workspace_id))
    await world.hold(job, 1)
    with pytest.raises(Refused, match="insufficient_credits") as refusal:
        await db.read(lambda tx: store.check_credits(tx, workspace_id=world.workspace_id))
    assert refusal.value.status == 402
    await world.close(job, succeeded=False)
    await db.read(lambda tx: store.check_credits(tx, workspace_id=world.workspace_id))


async def test_added_credits_are_a_ledger_row(db: Database) -> None:
    world = await make_world(db, money=10)
    total = await db.write(
        lambda tx: store.add_credits(
            tx, workspace_id=world.workspace_id, micros=5, note="thanks", now=NOON
        )
    )
    assert total == 15
    last = (await db.read(lambda tx: store.ledger(tx, world.workspace_id)))[-1]
    assert (last.kind, last.amount_micros, last.note) == ("credit", 5, "thanks")
    with pytest.raises(ValueError, match="positive"):
        await db.write(
            lambda tx: store.add_credits(tx, workspace_id=world.workspace_id, micros=0, now=NOON)
        )


async def test_the_audit_names_what_does_not_add_up(db: Database) -> None:
    world = await make_world(db, money=10)
    job = await world.job()
    await world.hold(job, 1)
    await db.write(lambda tx: tx.run(END_JOB, id=job))
    await db.write(lambda tx: tx.run(BREAK_BALANCE))
    faults = await db.read(store.audit)
    assert len(faults) == 2
    assert "balance of 7 micros, its ledger sums up to 10" in faults[0]
    assert job in faults[1]
