"""Many at once: what must hold when transactions of several processes meet in the same rows.

On PostgreSQL they really run side by side; on SQLite, one after the other, the same must come out.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from puras.server import compose
from puras.server.billing import holds
from puras.server.billing import store as billing
from puras.server.clock import new_id
from puras.server.db.database import Database, Row, Transaction
from puras.server.db.queries import Query
from puras.server.deployments import store as deployments
from puras.server.deployments.store import Deployment, NewDeployment
from puras.server.drive.store import Drive, Origin
from puras.server.events.hub import Hub
from puras.server.events.store import NewEvent
from puras.server.events.writer import EventWriter
from puras.server.idempotency import store as idempotency
from puras.server.idempotency.store import Kept, Ticket
from puras.server.jobs import leases
from puras.server.jobs import store as jobs
from puras.server.jobs.states import Ending
from puras.server.keys import store as keys
from puras.server.keys import tokens
from puras.server.refusals import Refused
from puras.server.settings import Settings
from puras.server.skillpacks import store as skillpacks
from puras.server.start import FirstKey
from puras.server.storage.disk import DiskStorage

from .conftest import Seed
from .support import ON_POSTGRES

DONE = Ending("succeeded", result="{}")
FAILED = Ending("failed", error="e", public_error="e", error_code="function_error")
COUNT_JOBS = Query("count_jobs", "SELECT count(*) AS n FROM jobs")
WAITING = Query(
    "waiting",
    "SELECT count(*) AS n FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'",
)
COUNT_WORKSPACES = Query("count_workspaces", "SELECT count(*) AS n FROM workspaces")
GONE = Query("gone", "SELECT deleted_at FROM deployments WHERE id = 'acme-deployment'")


async def number(db: Database, query: Query) -> int:
    row = await db.read(lambda tx: tx.one(query))
    assert row is not None
    return int(row["n"])


async def test_many_workers_together_never_start_more_than_a_workspace_may_run(
    seed: Seed, db: Database
) -> None:
    await seed.workspace("acme", concurrency=3)
    await seed.workspace("other", concurrency=5)
    for _ in range(12):
        await seed.job("acme")
        await seed.job("other")
    running: dict[str, set[str]] = {"acme": set(), "other": set()}
    started = 0
    while started < 24:
        claims = await asyncio.gather(*(seed.claim(most=4, worker=f"w{n}") for n in range(8)))
        rows = [row for claimed in claims for row in claimed]
        started += len(rows)
        assert len({row["id"] for row in rows}) == len(rows)
        for row in rows:
            running[row["workspace_id"]].add(row["id"])
        assert len(running["acme"]) <= 3
        assert len(running["other"]) <= 5
        assert rows, "there are free places, and jobs for them"
        await asyncio.gather(*(seed.end(row, DONE) for row in rows))
        for ids in running.values():
            ids.clear()


async def test_requests_with_the_same_idempotency_key_make_one_job(
    seed: Seed, db: Database
) -> None:
    await seed.workspace()
    key_id = await db.write(
        lambda tx: keys.mint(tx, tokens.mint("secret"), workspace_id="acme", name="k", now=1)
    )
    ticket = Ticket(key_id, "POST", "/v1/jobs", "same", "fingerprint")

    async def submit() -> str:
        job = seed.new_job()

        async def effect(tx: Transaction) -> Kept | None:
            twin = await idempotency.remember(tx, ticket, status=201, resource_id=job.id, now=1)
            if twin is None:
                await jobs.enqueue(tx, job, now=1)
            return twin

        twin = await db.write(effect)
        return twin.resource_id if twin else job.id

    assert len(set(await asyncio.gather(*(submit() for _ in range(20))))) == 1
    assert await number(db, COUNT_JOBS) == 1


async def test_events_of_several_processes_have_no_gap_and_no_double(
    seed: Seed, db: Database
) -> None:
    await seed.workspace()
    ids = [await seed.job() for _ in range(4)]
    await seed.claim(most=4)
    writers = [EventWriter(db, Hub()) for _ in range(4)]
    for n in range(50):
        for writer in writers:
            for job_id in ids:
                writer.add((job_id, 1), NewEvent(n, "log", "{}"))
        await asyncio.sleep(0)
    await asyncio.gather(*(writer.drain() for writer in writers))
    for job_id in ids:
        assert [event.id for event in await seed.log(job_id)] == list(range(1, 203))


async def test_the_ends_of_parents_and_children_wait_for_each_other_in_one_order(
    seed: Seed, db: Database
) -> None:
    await seed.workspace()
    runs: list[str] = []

    async def end(row: Row, ending: Ending) -> None:
        async def effect(tx: Transaction) -> None:
            runs.append(row["id"])
            await jobs.end(tx, **attempt(row), ending=ending, now=5, changes=jobs.Changes())

        await db.write(effect)

    for _ in range(20):
        parent = await seed.job()
        (above,) = await seed.claim()
        await db.write(lambda tx, above=above: jobs.wait_for_child(tx, **attempt(above)))
        for _ in range(3):
            await seed.job(parent_job_id=parent, root_job_id=parent, depth=1)
        below = await seed.claim(most=3)
        assert len(below) == 3
        await asyncio.gather(end(above, FAILED), *(end(child, DONE) for child in below))
        rows = [await seed.get(row["id"]) for row in (above, *below)]
        assert rows[0]["status"] == "failed"
        assert {row["status"] for row in rows[1:]} <= {"succeeded", "cancelled"}
        assert [row["last_event_id"] for row in rows] == [
            len(await seed.log(row["id"])) for row in rows
        ]
    assert len(runs) == 80, "none was undone to let another one pass"


def attempt(row: Row) -> dict[str, Any]:
    return {"job_id": row["id"], "attempt": row["attempt"]}


async def test_a_job_that_ends_leaves_no_hold_behind_and_waits_in_the_same_order(
    seed: Seed, db: Database
) -> None:
    await seed.workspace()
    await db.write(lambda tx: billing.add_credits(tx, workspace_id="acme", micros=1_000_000, now=1))
    runs: list[str] = []

    async def hold(job_id: str) -> str | None:
        async def take(tx: Transaction) -> str | None:
            if not await jobs.is_running(tx, job_id=job_id, attempt=1):
                return None
            held = await holds.hold(tx, job_id=job_id, micros=5, now=1, run_limit_micros=None)
            return held.id

        return await db.write(take)

    async def settle(hold_id: str | None) -> None:
        async def effect(tx: Transaction) -> None:
            runs.append("settle")
            await holds.settle(tx, hold_id=hold_id or "", cost_micros=3, now=5)

        await db.write(effect)

    async def end(row: Row) -> None:
        async def effect(tx: Transaction) -> None:
            runs.append("end")
            await jobs.end(tx, **attempt(row), ending=DONE, now=5, changes=jobs.Changes())

        await db.write(effect)

    for _ in range(20):
        await seed.job()
        (row,) = await seed.claim()
        held = [await hold(row["id"]) for _ in range(4)]
        late = asyncio.gather(*(hold(row["id"]) for _ in range(4)))
        await asyncio.gather(*map(settle, held[:2]), end(row), *map(settle, held[2:]))
        await late
        assert (await seed.get(row["id"]))["cost_micros"] in {0, 3, 6, 9, 12}
    assert len(runs) == 100, "none was undone to let another one pass"
    audit = await db.read(billing.audit)
    assert [line for line in audit if "holds money" in line] == []


async def test_a_deployment_is_deleted_or_used_but_not_both(seed: Seed, db: Database) -> None:
    await seed.workspace()

    async def delete() -> bool:
        deployment = await db.read(lambda tx: tx.one(GONE))
        assert deployment is not None

        async def effect(tx: Transaction) -> None:
            found = await deployments.get(tx, "acme-deployment")
            assert found is not None
            await deployments.delete(tx, found, now=5)

        with suppress(Refused):
            await db.write(effect)
            return True
        return False

    async def submit() -> bool:
        with suppress(jobs.DeploymentGone):
            await seed.job()
            return True
        return False

    outcomes = await asyncio.gather(
        *(submit() for _ in range(3)), delete(), *(submit() for _ in range(3))
    )
    deleted = outcomes.pop(3)
    gone = await db.read(lambda tx: tx.one(GONE))
    assert gone is not None
    assert (gone["deleted_at"] is not None) == deleted
    assert any(outcomes) != deleted
    assert await number(db, COUNT_JOBS) == sum(outcomes)


async def test_versions_are_counted_without_a_gap(seed: Seed, db: Database) -> None:
    await seed.workspace()
    pack = await db.write(
        lambda tx: skillpacks.create(tx, workspace_id="acme", slug="new", name="New", now=1)
    )

    async def deploy() -> Deployment:
        new = NewDeployment(
            id=new_id(),
            skillpack_id=pack.id,
            workspace_id="acme",
            size_bytes=1,
            sha256="0",
            notes=None,
            manifest={"skills": []},
            requirements=(),
        )
        return await db.write(lambda tx: deployments.create(tx, new, activate=True, now=1))

    made = await asyncio.gather(*(deploy() for _ in range(20)))
    assert sorted(one.version for one in made) == list(range(1, 21))
    assert (
        sum(one.is_active for one in await db.read(lambda tx: deployments.every(tx, pack.id))) == 1
    )


async def test_exactly_as_many_submits_a_minute_pass_as_a_key_may(seed: Seed, db: Database) -> None:
    await seed.workspace()
    key_id = await db.write(
        lambda tx: keys.mint(tx, tokens.mint("secret"), workspace_id="acme", name="k", now=1)
    )
    outcomes = await asyncio.gather(
        *(
            db.write(lambda tx: keys.count_submit(tx, key_id=key_id, rate=10, now=1))
            for _ in range(30)
        ),
        return_exceptions=True,
    )
    assert sum(outcome is None for outcome in outcomes) == 10
    assert sum(isinstance(outcome, Refused) for outcome in outcomes) == 20


async def test_changes_of_different_fields_of_a_key_are_all_kept(seed: Seed, db: Database) -> None:
    await seed.workspace()
    key_id = await db.write(
        lambda tx: keys.mint(tx, tokens.mint("secret"), workspace_id="acme", name="k", now=1)
    )
    changes = [{"name": "new"}, {"rate_per_minute": 7}, {"daily_cap_micros": 9_000_000}]
    await asyncio.gather(
        *(
            db.write(
                lambda tx, one=one: keys.change(tx, workspace_id="acme", key_id=key_id, changes=one)
            )
            for one in changes
        )
    )
    key = await db.read(lambda tx: keys.get(tx, workspace_id="acme", key_id=key_id, now=1))
    assert (key["name"], key["rate_per_minute"], key["daily_cap_usd"]) == ("new", 7, 9.0)


async def test_files_written_to_one_path_leave_the_bytes_of_one_behind(
    seed: Seed, db: Database, tmp_path: Path
) -> None:
    await seed.workspace()
    drive = Drive(DiskStorage(tmp_path / "f", incoming=tmp_path / "i"), db=db, clock=lambda: 1)

    async def write(n: int) -> None:
        async def chunks():
            yield b"%d" % n

        await drive.write("acme", "same.txt", chunks=chunks(), origin=Origin())

    await asyncio.gather(*(write(n) for n in range(20)))
    kept = [path for path in (tmp_path / "f").rglob("*") if path.is_file()]
    assert [path.name for path in kept] == [(await drive.open("acme", "same.txt")).file.blob]


async def test_what_a_stopped_worker_ran_is_recovered_once(seed: Seed, db: Database) -> None:
    await seed.workspace(concurrency=20)
    for _ in range(20):
        await seed.job()
    rows = await seed.claim(most=20, worker="gone", concurrency=20)
    assert len(rows) == 20
    late = 10**15
    recovered = await asyncio.gather(
        *(
            db.write(lambda tx, n=n: leases.recover(tx, worker_id=f"w{n}", now=late))
            for n in range(6)
        )
    )
    assert sum(len(changes.events) for changes in recovered) == 20
    assert {(await seed.get(row["id"]))["lost"] for row in rows} == {1}


async def test_servers_that_start_together_make_one_workspace_and_one_key(
    emptied_postgres: Callable[[], str], tmp_path: Path
) -> None:
    url = emptied_postgres()

    async def begin(*, works: bool) -> FirstKey | None:
        settings = Settings(home=tmp_path, database_url=url)
        async with compose.running(settings, grace=0, works=works) as started:
            assert await number(started.platform.db, COUNT_WORKSPACES) == 1
            async with asyncio.timeout(10):
                await together.wait()
            return started.first

    together = asyncio.Barrier(4)
    first_keys = await asyncio.gather(*(begin(works=n == 0) for n in range(4)))
    assert sum(key is not None for key in first_keys) == 1
    homes = sorted(path.name for path in tmp_path.glob("process-*"))
    assert homes == [f"process-{n}" for n in range(4)]
    assert (tmp_path / "secrets.key").stat().st_mode & 0o777 == 0o600


@dataclass
class Pause:
    """Stops a transaction before its end, once it has done its work."""

    reached: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def here(self) -> None:
        self.reached.set()
        await self.over.wait()


@pytest.fixture
async def pause(db: Database) -> AsyncIterator[Pause]:
    pause = Pause()
    yield pause
    pause.over.set()


async def waits(task: asyncio.Task[Any], db: Database) -> None:
    """Return once a transaction of the database waits for a lock."""
    async with asyncio.timeout(10):
        while not await number(db, WAITING):
            assert not task.done(), "it did not wait"


@ON_POSTGRES
async def test_deleting_a_deployment_waits_for_a_submit_and_then_sees_its_job(
    seed: Seed, db: Database, pause: Pause
) -> None:
    await seed.workspace()

    async def submit(tx: Transaction) -> None:
        await jobs.enqueue(tx, seed.new_job(), now=1)
        await pause.here()

    async def delete(tx: Transaction) -> None:
        found = await deployments.get(tx, "acme-deployment")
        assert found is not None
        await deployments.delete(tx, found, now=5)

    submitting = asyncio.create_task(db.write(submit))
    await pause.reached.wait()
    deleting = asyncio.create_task(db.write(delete))
    await waits(deleting, db)
    pause.over.set()
    await submitting
    with pytest.raises(Refused, match="deployment_in_use"):
        await deleting


@ON_POSTGRES
async def test_a_submit_waits_for_the_deletion_of_its_deployment_and_is_refused(
    seed: Seed, db: Database, pause: Pause
) -> None:
    await seed.workspace()

    async def delete(tx: Transaction) -> None:
        found = await deployments.get(tx, "acme-deployment")
        assert found is not None
        await deployments.delete(tx, found, now=5)
        await pause.here()

    deleting = asyncio.create_task(db.write(delete))
    await pause.reached.wait()
    submitting = asyncio.create_task(seed.job())
    await waits(submitting, db)
    pause.over.set()
    await deleting
    with pytest.raises(jobs.DeploymentGone):
        await submitting


@ON_POSTGRES
async def test_a_change_of_a_key_waits_for_another_and_keeps_it(
    seed: Seed, db: Database, pause: Pause
) -> None:
    await seed.workspace()
    key_id = await db.write(
        lambda tx: keys.mint(tx, tokens.mint("secret"), workspace_id="acme", name="k", now=1)
    )

    async def change(tx: Transaction, changes: dict[str, Any]) -> None:
        await keys.change(tx, workspace_id="acme", key_id=key_id, changes=changes)
        if "name" in changes:
            await pause.here()

    first = asyncio.create_task(db.write(lambda tx: change(tx, {"name": "new"})))
    await pause.reached.wait()
    second = asyncio.create_task(db.write(lambda tx: change(tx, {"rate_per_minute": 7})))
    await waits(second, db)
    pause.over.set()
    await asyncio.gather(first, second)
    key = await db.read(lambda tx: keys.get(tx, workspace_id="acme", key_id=key_id, now=1))
    assert (key["name"], key["rate_per_minute"]) == ("new", 7)


@ON_POSTGRES
async def test_a_claim_passes_over_what_another_transaction_has(
    seed: Seed, db: Database, pause: Pause
) -> None:
    await seed.workspace()
    first, second = await seed.job(), await seed.job()

    async def cancel(tx: Transaction) -> None:
        await jobs.cancel(tx, job_id=first, by="its caller", now=1)
        await pause.here()

    cancelling = asyncio.create_task(db.write(cancel))
    await pause.reached.wait()
    assert [row["id"] for row in await seed.claim(most=2)] == [second]
    pause.over.set()
    await cancelling


@ON_POSTGRES
async def test_a_recovery_passes_over_what_another_transaction_has(
    seed: Seed, db: Database, pause: Pause
) -> None:
    await seed.workspace()
    await seed.job()
    await seed.job()
    first, second = await seed.claim(most=2, worker="gone")

    async def end(tx: Transaction) -> None:
        await jobs.end(tx, **attempt(first), ending=DONE, now=5, changes=jobs.Changes())
        await pause.here()

    ending = asyncio.create_task(db.write(end))
    await pause.reached.wait()
    changes = await db.write(lambda tx: leases.recover(tx, worker_id="w", now=10**15))
    assert [event.job_id for event in changes.events] == [second["id"]]
    pause.over.set()
    await ending


async def test_the_end_of_a_job_waits_for_children_that_hold_money_and_they_for_nobody(
    seed: Seed, db: Database
) -> None:
    """The end locks all of its jobs before the wallet, as each hold does: in a circle, PostgreSQL
    would have to undo one of them."""
    await seed.workspace()
    runs: list[str] = []

    async def hold(row: Row) -> None:
        async def take(tx: Transaction) -> None:
            runs.append("hold")
            if await jobs.takes_turn(tx, **attempt(row)):
                await holds.hold(tx, job_id=row["id"], micros=5, now=1, run_limit_micros=None)

        with suppress(Refused):
            await db.write(take)

    async def cancel(job_ids: list[str]) -> None:
        async def effect(tx: Transaction) -> None:
            runs.append("cancel")
            await jobs.cancel_all(tx, job_ids, by="its caller", now=5)

        await db.write(effect)

    for _ in range(6):
        parents, rows = [await seed.job(), await seed.job()], await seed.claim(most=2)
        for parent in parents:
            for _ in range(3):
                await seed.job(parent_job_id=parent, root_job_id=parent, depth=1)
        rows += await seed.claim(most=6)
        assert len(rows) == 8
        await asyncio.gather(*map(hold, rows))
        await asyncio.gather(*map(hold, rows), cancel(parents), *map(hold, rows))
        assert {(await seed.get(row["id"]))["status"] for row in rows} == {"cancelled"}
    assert len(runs) == 6 * (3 * 8 + 1), "none was undone to let another one pass"
    audit = await db.read(billing.audit)
    assert [line for line in audit if "holds money" in line] == []
