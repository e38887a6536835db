from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import psycopg
import pytest

from puras.server.clock import DAY, SECOND, now
from puras.server.events import store as events
from puras.server.events.store import NewEvent
from puras.server.jobs import calls, leases
from puras.server.jobs import store as jobs
from puras.server.jobs.states import LEASE, Ending
from puras.server.worker.lease import Lease

if TYPE_CHECKING:
    from puras.server.db.database import Database

DONE = Ending("succeeded", result="{}", outputs="[]")
FAILED = Ending("failed", error="it broke", public_error="it broke", error_code="function_error")


async def statuses(seed, job_id: str) -> list[str]:
    import json

    return [json.loads(e.payload)["status"] for e in await seed.log(job_id) if e.type == "status"]


async def test_a_job_goes_from_queued_to_running_to_succeeded_with_numbered_events(seed) -> None:
    await seed.workspace()
    job_id = await seed.job()
    (row,) = await seed.claim()
    assert (row["id"], row["attempt"], row["status"]) == (job_id, 1, "running")
    await seed.end(row, DONE)
    log = await seed.log(job_id)
    assert [event.id for event in log] == [1, 2, 3]
    assert await statuses(seed, job_id) == ["queued", "running", "succeeded"]
    assert (await seed.get(job_id))["last_event_id"] == 3


async def test_a_second_end_changes_nothing(seed) -> None:
    await seed.workspace()
    job_id = await seed.job()
    (row,) = await seed.claim()
    assert await seed.end(row, DONE)
    assert await seed.end(row, FAILED) is None
    assert (await seed.get(job_id))["status"] == "succeeded"
    assert len(await seed.log(job_id)) == 3


async def test_a_stale_attempt_writes_no_event_and_no_end(seed, db: Database) -> None:
    await seed.workspace()
    job_id = await seed.job()
    (stale,) = await seed.claim()
    await db.write(lambda tx: leases.recover(tx, worker_id="w2", now=1_000 + LEASE + SECOND))
    (fresh,) = await seed.claim(worker="w2")
    assert fresh["attempt"] == 2
    late = NewEvent(5, "log", '{"level":"info","message":"late"}')
    assert (
        await db.write(lambda tx: events.append(tx, job_id=job_id, attempt=1, events=[late])) == []
    )
    assert await seed.end(stale, DONE) is None
    assert await seed.end(fresh, FAILED)
    assert await statuses(seed, job_id) == ["queued", "running", "queued", "running", "failed"]


async def test_nothing_follows_the_terminal_event(seed, db: Database) -> None:
    await seed.workspace()
    job_id = await seed.job()
    (row,) = await seed.claim()
    await seed.end(row, DONE)
    late = NewEvent(5, "log", '{"level":"info","message":"late"}')
    assert (
        await db.write(lambda tx: events.append(tx, job_id=job_id, attempt=1, events=[late])) == []
    )
    assert (await seed.log(job_id))[-1].type == "status"


async def test_a_cancelled_job_is_never_claimed(seed, db: Database) -> None:
    await seed.workspace()
    job_id = await seed.job()
    await db.write(lambda tx: jobs.cancel(tx, job_id=job_id, by="its caller", now=2))
    assert await seed.claim() == []
    assert await statuses(seed, job_id) == ["queued", "cancelled"]


async def test_cancelling_a_parent_cancels_its_children(seed, db: Database) -> None:
    await seed.workspace()
    parent = await seed.job()
    await seed.claim()
    child = await seed.job(parent_job_id=parent, root_job_id=parent, depth=1)
    grandchild = await seed.job(parent_job_id=child, root_job_id=parent, depth=2)
    changes = await db.write(lambda tx: jobs.cancel(tx, job_id=parent, by="its caller", now=2))
    assert set(changes.ended) == {parent, child, grandchild}
    for job_id in (parent, child, grandchild):
        assert (await seed.get(job_id))["status"] == "cancelled"


async def recovered(db: Database) -> None:
    """Take back what other workers have, as a worker does that starts alone."""
    lease = Lease(
        db,
        worker_id="other",
        places=1,
        clock=lambda: 0,
        running=set,
        drop=unexpected,
        publish=lambda changes: None,
    )
    await lease.recover(every=True)


async def unexpected(job_id: str) -> None:
    raise AssertionError(job_id)


async def test_the_third_loss_fails_the_job_as_worker_lost(seed, db: Database) -> None:
    await seed.workspace()
    job_id = await seed.job()
    for _ in range(3):
        await seed.claim()
        await recovered(db)
    row = await seed.get(job_id)
    assert (row["status"], row["error_code"], row["attempt"]) == ("failed", "worker_lost", 3)
    assert (await statuses(seed, job_id)).count("failed") == 1


async def test_handing_back_does_not_count_as_a_loss(seed, db: Database) -> None:
    await seed.workspace()
    job_id = await seed.job()
    for _ in range(5):
        (row,) = await seed.claim()
        await db.write(
            lambda tx, row=row: jobs.hand_back(
                tx, job_id=job_id, attempt=row["attempt"], now=1, changes=jobs.Changes()
            )
        )
    row = await seed.get(job_id)
    assert (row["status"], row["lost"], row["attempt"]) == ("queued", 0, 5)


async def test_a_live_lease_is_not_recovered(seed, db: Database) -> None:
    await seed.workspace()
    job_id = await seed.job()
    await seed.claim()
    await db.write(lambda tx: leases.renew(tx, worker_id="w1", now=1_000 + 10 * SECOND))

    async def recover(tx) -> jobs.Changes:
        at = await leases.clock(tx, now=1_000 + 20 * SECOND)
        return await leases.recover(tx, worker_id="w2", now=at)

    changes = await db.write(recover)
    assert changes.events == []
    assert (await seed.get(job_id))["status"] == "running"


async def test_a_workspace_runs_no_more_than_its_own_concurrency(seed) -> None:
    await seed.workspace(concurrency=2)
    for _ in range(5):
        await seed.job()
    assert len(await seed.claim(most=10)) == 2
    assert await seed.claim(most=10) == []


async def test_a_free_place_goes_to_the_workspace_with_the_fewest_running(seed) -> None:
    await seed.workspace("big")
    await seed.workspace("small")
    for _ in range(20):
        await seed.job("big")
    only = await seed.job("small")
    rows = await seed.claim(most=2)
    assert only in {row["id"] for row in rows}


async def test_a_waiting_parent_gives_its_slot_to_its_child_and_gets_it_back(
    seed, db: Database
) -> None:
    await seed.workspace(concurrency=1)
    parent = await seed.job()
    (parent_row,) = await seed.claim()
    other_root = await seed.job()
    child = await seed.job(parent_job_id=parent, root_job_id=parent, depth=1)
    assert await seed.claim() == []
    await db.write(lambda tx: jobs.wait_for_child(tx, job_id=parent, attempt=1))
    (child_row,) = await seed.claim(most=5)
    assert child_row["id"] == child
    await seed.end(child_row, DONE)
    assert (await seed.get(parent))["waiting"] == 0
    assert await seed.claim() == []
    await seed.end(parent_row, DONE)
    (next_row,) = await seed.claim()
    assert next_row["id"] == other_root


async def test_a_parent_stays_waiting_while_another_of_its_children_is_unfinished(
    seed, db: Database
) -> None:
    await seed.workspace(concurrency=1)
    parent = await seed.job()
    await seed.claim()
    for _ in range(2):
        await seed.job(parent_job_id=parent, root_job_id=parent, depth=1)
    await db.write(lambda tx: jobs.wait_for_child(tx, job_id=parent, attempt=1))
    (first,) = await seed.claim(most=5)
    await seed.end(first, DONE)
    assert (await seed.get(parent))["waiting"] == 1
    (second,) = await seed.claim(most=5)
    await seed.end(second, DONE)
    assert (await seed.get(parent))["waiting"] == 0


async def test_a_job_of_a_deleted_deployment_is_not_queued(seed, db: Database) -> None:
    from puras.server.db.queries import Query

    await seed.workspace()
    await db.write(lambda tx: tx.run(Query("x", "UPDATE deployments SET deleted_at = 5")))
    with pytest.raises(jobs.DeploymentGone):
        await seed.job()


@pytest.mark.parametrize(
    "nonsense",
    [
        "status = 'succeeded'",
        "status = 'running'",
        "status = 'sleeping'",
        "waiting = 1",
        "depth = 6",
        "result = '{}'",
    ],
)
async def test_the_table_refuses_states_that_make_no_sense(
    seed, db: Database, nonsense: str
) -> None:
    from puras.server.db.queries import Query

    await seed.workspace()
    await seed.job()
    with pytest.raises((sqlite3.IntegrityError, psycopg.errors.CheckViolation)):
        await db.write(lambda tx: tx.run(Query("x", f"UPDATE jobs SET {nonsense}")))


async def test_a_recorded_call_is_recalled_and_a_stale_attempt_records_nothing(
    seed, db: Database
) -> None:
    await seed.workspace()
    job_id = await seed.job()
    await seed.claim()
    call = calls.CallKey("step", "digest", 0)

    async def record(attempt: int, state: str, value: object) -> bool:
        return await db.write(
            lambda tx: calls.record(
                tx, job_id=job_id, attempt=attempt, call=call, state=state, value=value
            )
        )

    assert await db.read(lambda tx: calls.recall(tx, job_id=job_id, call=call)) is None
    assert await record(1, "intended", None)
    assert await record(1, "done", {"a": 1})
    assert not await record(2, "done", {"a": 2})
    assert await db.read(lambda tx: calls.recall(tx, job_id=job_id, call=call)) == (
        "done",
        {"a": 1},
    )


@pytest.mark.parametrize("dialect", ["postgres"], indirect=True)
async def test_a_worker_whose_clock_is_wrong_by_a_day_takes_nothing_from_the_others(
    seed, db: Database
) -> None:
    await seed.workspace()
    job_id = await seed.job()
    await seed.claim(worker="w1")
    for days in (-1, 1):
        wrong = now() + days * DAY
        lease = Lease(
            db,
            worker_id="w2",
            places=1,
            clock=lambda wrong=wrong: wrong,
            running=set,
            drop=unexpected,
            publish=lambda changes: None,
        )
        await lease.renew()
        await lease.recover()
        assert (await seed.get(job_id))["worker_id"] == "w1"
    assert (await seed.get(job_id))["lost"] == 0
