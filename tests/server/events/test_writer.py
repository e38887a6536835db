from __future__ import annotations

import asyncio
import json

from puras.server.db.database import Database
from puras.server.events.hub import Hub
from puras.server.events.store import NewEvent
from puras.server.events.writer import EventWriter
from puras.server.jobs.states import Ending


def log(number: int) -> NewEvent:
    return NewEvent(number, "log", json.dumps({"level": "info", "message": str(number)}))


async def test_many_jobs_at_once_each_keep_their_order_without_gaps(seed, db: Database) -> None:
    await seed.workspace()
    job_ids = [await seed.job() for _ in range(5)]
    await seed.claim(most=5)
    writer = EventWriter(db, Hub())
    for number in range(400):
        for job_id in job_ids:
            writer.add((job_id, 1), log(number))
        if number % 50 == 0:
            await asyncio.sleep(0)
    await writer.drain()
    for job_id in job_ids:
        stored = await seed.log(job_id)
        assert [event.id for event in stored] == list(range(1, 403))
        assert [event.ts for event in stored if event.type == "log"] == list(range(400))


async def test_events_of_a_job_that_is_over_are_dropped_and_those_of_others_are_kept(
    seed, db: Database
) -> None:
    await seed.workspace()
    over, alive = await seed.job(), await seed.job()
    rows = {row["id"]: row for row in await seed.claim(most=2)}
    await seed.end(rows[over], Ending("succeeded", result="{}"))
    writer = EventWriter(db, Hub())
    writer.add((over, 1), log(1))
    writer.add((alive, 1), log(2))
    await writer.drain()
    assert [event.type for event in await seed.log(over)] == ["status"] * 3
    assert [event.type for event in await seed.log(alive)] == ["status", "status", "log"]


async def test_a_group_of_which_nothing_is_left_is_dropped_and_the_next_one_is_written(
    seed, db: Database
) -> None:
    await seed.workspace()
    over, alive = await seed.job(), await seed.job()
    rows = {row["id"]: row for row in await seed.claim(most=2)}
    await seed.end(rows[over], Ending("succeeded", result="{}"))
    writer = EventWriter(db, Hub())
    writer.add((over, 1), log(1))
    await writer.drain((over, 1))
    writer.add((alive, 2), log(2))
    await writer.drain((alive, 2))
    writer.add((alive, 1), log(3))
    await writer.drain((alive, 1))
    assert [event.type for event in await seed.log(over)] == ["status"] * 3
    assert [event.ts for event in await seed.log(alive) if event.type == "log"] == [3]


async def test_a_lone_event_is_written_at_once_and_what_follows_it_when_somebody_waits_for_it(
    seed, db: Database
) -> None:
    await seed.workspace()
    job_id = await seed.job()
    await seed.claim()
    hub = Hub()
    writer = EventWriter(db, hub, rest=600)
    with hub.watch(job_id) as watch:
        writer.add((job_id, 1), log(1))
        assert await watch.wait(20)
        for number in range(2, 20):
            writer.add((job_id, 1), log(number))
            await asyncio.sleep(0)
        assert not await watch.wait(0.05), "a group gathers"
        async with asyncio.timeout(20):
            await writer.drain((job_id, 1))
        writer.add((job_id, 1), log(20))
        assert await watch.wait(20)
        assert not await watch.wait(0.05), "who waited once hurries no later group"
    assert [event.ts for event in await seed.log(job_id) if event.type == "log"] == [*range(1, 20)]


async def test_a_flood_is_written_in_groups_without_anybody_waiting_for_it(
    seed, db: Database
) -> None:
    await seed.workspace()
    job_id = await seed.job()
    await seed.claim()
    hub = Hub()
    writer = EventWriter(db, hub, rest=0.2)
    with hub.watch(job_id) as watch:
        writer.add((job_id, 1), log(1))
        assert await watch.wait(20)
        for number in range(2, 20):
            writer.add((job_id, 1), log(number))
            await asyncio.sleep(0)
        async with asyncio.timeout(60):
            while len(watch.tail_after(2) or []) < 19:
                await watch.wait(20)


async def test_the_hub_hears_of_events_only_once_they_are_in_the_log(seed, db: Database) -> None:
    await seed.workspace()
    job_id = await seed.job()
    await seed.claim()
    hub = Hub()
    writer = EventWriter(db, hub)
    with hub.watch(job_id) as watch:
        writer.add((job_id, 1), log(1))
        assert await watch.wait(5)
        assert (await seed.log(job_id))[-1].type == "log"
        assert [event.id for event in watch.tail_after(2) or []] == [3]
