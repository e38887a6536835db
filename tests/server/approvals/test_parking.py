"""A job that asks a person: it gives its place away, and goes on once it has an answer."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import psycopg
import pytest

from puras.server.approvals import store as approvals
from puras.server.approvals.ask import Ask
from puras.server.approvals.store import Decision
from puras.server.clock import SECOND
from puras.server.db.database import Database, Row
from puras.server.db.queries import Query
from puras.server.events.hub import Hub
from puras.server.events.writer import EventWriter
from puras.server.jobs import store as jobs
from puras.server.jobs.states import Ending
from puras.server.jobs.waiting import wait_for_end
from puras.server.worker.expiry import Expiry
from puras.server.worker.loop import Active, Concluded, Worker
from puras.server.worker.queue.embedded import EmbeddedQueue
from puras.server.worker.spec import Parked

from ..conftest import Seed
from ..support import HandClock

DONE = Ending("succeeded", result="{}", outputs="[]")
REFUND = Ask("1.0", "refund", {"order": 7}, 1)
LETTER = Ask("1.1", "letter", {"to": "ann"}, 1)


async def park(seed: Seed, row: Row, *asks: Ask, now: int = 1_000) -> bool:
    return await seed.db.write(
        lambda tx: approvals.park(
            tx, row, asks or (REFUND,), timeout=60 * SECOND, now=now, changes=jobs.Changes()
        )
    )


async def parked_job(seed: Seed, *asks: Ask) -> str:
    await seed.workspace()
    job_id = await seed.job()
    (row,) = await seed.claim()
    assert await park(seed, row, *asks)
    return job_id


async def asked(db: Database, job_id: str) -> list[Row]:
    return await db.read(lambda tx: approvals.of_line(tx, job_id))


async def decide(
    db: Database, approval: Row, decision: Decision, *, now: int = 2_000
) -> Row | None:
    return await db.write(
        lambda tx: approvals.decide(tx, approval, decision, now=now, changes=jobs.Changes())
    )


async def told(seed: Seed, job_id: str) -> list[tuple[str, str]]:
    """Return (type, status or tool) of each event."""
    log = await seed.log(job_id)
    assert [event.id for event in log] == list(range(1, len(log) + 1))
    payloads = [(event.type, json.loads(event.payload)) for event in log]
    return [(type, p.get("status") or p.get("tool_name")) for type, p in payloads]


async def test_a_parked_job_is_queued_to_the_outside_and_claimed_by_nobody(seed: Seed) -> None:
    job_id = await parked_job(seed)
    row = await seed.get(job_id)
    assert (row["status"], row["parked"], row["lost"], row["waiting"]) == ("queued", 1, 0, 0)
    assert await seed.claim(most=5) == []
    assert await told(seed, job_id) == [
        ("status", "queued"),
        ("status", "running"),
        ("approval_required", "refund"),
        ("status", "queued"),
    ]


async def test_a_parked_job_stands_in_no_other_ones_way(seed: Seed) -> None:
    await seed.workspace(concurrency=1)
    await seed.job()
    second = await seed.job()
    (row,) = await seed.claim()
    assert await seed.claim() == []
    await park(seed, row)
    (other,) = await seed.claim()
    assert other["id"] == second


async def test_the_answer_lets_a_job_go_on_with_its_next_attempt(seed: Seed, db: Database) -> None:
    job_id = await parked_job(seed)
    (approval,) = await asked(db, job_id)
    assert json.loads(approval["tool_input"]) == {"order": 7}
    settled = await decide(db, approval, Decision("approved", "fine"))
    assert settled is not None
    assert (settled["status"], settled["decided_at"]) == ("approved", 2_000)
    (row,) = await seed.claim()
    assert (row["id"], row["attempt"], row["lost"]) == (job_id, 2, 0)
    decided = await db.read(lambda tx: approvals.decided(tx, job_id))
    assert decided == {(1, "1.0"): ("approved", "fine")}
    assert (await told(seed, job_id))[-2:] == [
        ("approval_decided", "approved"),
        ("status", "running"),
    ]


async def test_a_job_that_asked_twice_waits_for_both_answers(seed: Seed, db: Database) -> None:
    job_id = await parked_job(seed, REFUND, LETTER)
    first, second = await asked(db, job_id)
    await decide(db, first, Decision("denied"))
    assert await seed.claim() == []
    await decide(db, second, Decision("approved"))
    assert len(await seed.claim()) == 1
    decided = await db.read(lambda tx: approvals.decided(tx, job_id))
    assert decided == {(1, "1.0"): ("denied", None), (1, "1.1"): ("approved", None)}


async def test_a_model_that_takes_an_id_again_is_not_approved_again(
    seed: Seed, db: Database
) -> None:
    job_id = await parked_job(seed)
    (first,) = await asked(db, job_id)
    await decide(db, first, Decision("approved"))
    (row,) = await seed.claim()
    assert await park(seed, row, Ask("1.0", "refund", {"order": 8}, 2))
    decided = await db.read(lambda tx: approvals.decided(tx, job_id))
    assert decided == {(1, "1.0"): ("approved", None)}
    assert await seed.claim() == []


async def test_a_second_answer_changes_nothing(seed: Seed, db: Database) -> None:
    job_id = await parked_job(seed)
    (approval,) = await asked(db, job_id)
    await decide(db, approval, Decision("denied", "no"))
    before = await told(seed, job_id)
    assert await decide(db, approval, Decision("approved")) is None
    assert (await asked(db, job_id))[0]["status"] == "denied"
    assert await told(seed, job_id) == before


async def test_one_of_many_answers_at_once_counts(seed: Seed, db: Database) -> None:
    job_id = await parked_job(seed)
    (approval,) = await asked(db, job_id)
    answers = await asyncio.gather(
        *(decide(db, approval, Decision(s)) for s in ("approved", "denied", "expired") * 3)
    )
    (counted,) = [answer for answer in answers if answer is not None]
    assert (await asked(db, job_id))[0]["status"] == counted["status"]
    assert [type for type, _ in await told(seed, job_id)].count("approval_decided") == 1


async def test_an_attempt_that_was_fenced_off_asks_nobody(seed: Seed, db: Database) -> None:
    await seed.workspace()
    job_id = await seed.job()
    (row,) = await seed.claim()
    await db.write(lambda tx: jobs.cancel(tx, job_id=job_id, by="its caller", now=2))
    assert not await park(seed, row)
    assert await asked(db, job_id) == []


async def test_a_cancelled_jobs_approvals_expire(seed: Seed, db: Database) -> None:
    job_id = await parked_job(seed)
    await db.write(lambda tx: jobs.cancel(tx, job_id=job_id, by="its caller", now=2))
    (approval,) = await asked(db, job_id)
    assert approval["status"] == "expired"
    assert await decide(db, approval, Decision("approved")) is None
    row = await seed.get(job_id)
    assert (row["status"], row["parked"]) == ("cancelled", 0)
    assert (await told(seed, job_id))[-1] == ("status", "cancelled")


async def test_an_answer_and_a_cancel_at_once_leave_one_last_event(
    seed: Seed, db: Database
) -> None:
    await seed.workspace()
    for _ in range(8):
        job_id = await seed.job()
        (row,) = await seed.claim()
        await park(seed, row)
        (approval,) = await asked(db, job_id)
        await asyncio.gather(
            decide(db, approval, Decision("approved")),
            db.write(lambda tx, id=job_id: jobs.cancel(tx, job_id=id, by="its caller", now=3)),
        )
        assert (await told(seed, job_id))[-1] == ("status", "cancelled")


async def test_a_parent_waits_for_a_child_that_is_parked(seed: Seed, db: Database) -> None:
    await seed.workspace(concurrency=1)
    parent_id = await seed.job()
    (parent,) = await seed.claim()
    await db.write(lambda tx: jobs.wait_for_child(tx, job_id=parent_id, attempt=1))
    child_id = await seed.job(parent_job_id=parent_id, root_job_id=parent_id, depth=1)
    other_id = await seed.job()
    (child,) = await seed.claim()
    assert child["id"] == child_id
    await park(seed, child)
    assert (await seed.get(parent_id))["waiting"] == 1
    (other,) = await seed.claim()
    assert other["id"] == other_id
    await seed.end(other, DONE)
    (approval,) = await asked(db, parent_id)
    assert approval["job_id"] == child_id
    await decide(db, approval, Decision("approved"))
    (child,) = await seed.claim()
    await seed.end(child, DONE)
    assert (await seed.get(parent_id))["waiting"] == 0
    await seed.end(parent, DONE)


async def test_only_a_queued_job_can_be_parked(seed: Seed, db: Database) -> None:
    await seed.workspace()
    await seed.job()
    await seed.claim()
    by_hand = Query("by_hand", "UPDATE jobs SET parked = 1")
    with pytest.raises((sqlite3.IntegrityError, psycopg.errors.CheckViolation)):
        await db.write(lambda tx: tx.run(by_hand))


async def test_no_answer_in_time_counts_as_a_no(seed: Seed, db: Database) -> None:
    job_id = await parked_job(seed)
    clock, seen = HandClock(1_000 + 60 * SECOND - 1), jobs.Changes()

    def announce(changes: jobs.Changes) -> None:
        seen.events += changes.events

    expiry = Expiry(db, clock, announce)
    await expiry.look()
    assert seen.events == []
    clock.moment += 1
    await expiry.look()
    assert [event.type for event in seen.events] == ["approval_decided"]
    decided = await db.read(lambda tx: approvals.decided(tx, job_id))
    assert decided == {(1, "1.0"): ("expired", None)}
    assert len(await seed.claim()) == 1


@asynccontextmanager
async def working(
    db: Database, perform: Callable[[Active], Awaitable[Concluded]], **more: int
) -> AsyncIterator[Worker]:
    hub = Hub()
    worker = Worker(
        db=db,
        hub=hub,
        queue=EmbeddedQueue(),
        writer=EventWriter(db, hub),
        clock=HandClock(5_000),
        concurrency=1,
        workspace_concurrency=1,
        perform=perform,
        prepare=lambda deployment_id: None,
        clear=_leave,
        **more,
    )
    await worker.start(alone=True)
    try:
        yield worker
    finally:
        await worker.stop(grace=1)


async def test_a_worker_runs_other_jobs_while_one_waits_for_its_answer(
    seed: Seed, db: Database
) -> None:
    await seed.workspace()
    asking, other = await seed.job(), await seed.job()

    async def perform(active: Active) -> Concluded:
        decided = await db.read(lambda tx: approvals.decided(tx, active.row["id"]))
        return Parked([REFUND]) if active.row["id"] == asking and not decided else DONE

    async with working(db, perform) as worker:
        row = await wait_for_end(db, worker.hub, other, seconds=30)
        assert row is not None
        assert row["status"] == "succeeded"
        assert worker.running() == []
        changes = jobs.Changes()
        (approval,) = await asked(db, asking)
        await db.write(
            lambda tx: approvals.decide(
                tx, approval, Decision("approved"), now=6_000, changes=changes
            )
        )
        worker.announce(changes)
        row = await wait_for_end(db, worker.hub, asking, seconds=30)
        assert row is not None
        assert (row["status"], row["attempt"], row["lost"]) == ("succeeded", 2, 0)


async def test_a_worker_that_starts_lets_parked_jobs_wait_on(seed: Seed, db: Database) -> None:
    job_id = await parked_job(seed)
    performed: list[str] = []

    async def perform(active: Active) -> Concluded:
        performed.append(active.row["id"])
        return DONE

    async with working(db, perform) as worker:
        other = await seed.job()
        worker.queue.wake()
        await wait_for_end(db, worker.hub, other, seconds=30)
        assert performed == [other]
    assert (await seed.get(job_id))["parked"] == 1


async def _leave(job_id: str) -> None:
    """Clear nothing."""
