"""What every queue does, whoever delivers: a job that is committed and told of is soon claimed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest

from puras.server.db.database import Database, Transaction
from puras.server.events.elsewhere import Elsewhere
from puras.server.jobs import store as jobs
from puras.server.worker.queue.embedded import EmbeddedQueue
from puras.server.worker.queue.port import Queue
from puras.server.worker.queue.postgres import PostgresQueue

from ...conftest import Seed
from ...support import TestDatabase


@dataclass
class Delivery:
    """A queue at the side that puts jobs in, and one at a worker's side: the same, or another."""

    db: Database
    seed: Seed
    sender: Queue
    receiver: Queue

    async def put(self) -> str:
        job = self.seed.new_job()

        async def effect(tx: Transaction) -> None:
            await jobs.enqueue(tx, job, now=1)
            await self.sender.put(tx, job.id)

        await self.db.write(effect)
        self.sender.wake()
        return job.id


@pytest.fixture
async def delivery(db: Database, seed: Seed, dialect: str) -> AsyncIterator[Delivery]:
    await seed.workspace(concurrency=100)
    async with AsyncExitStack() as stack:
        if dialect == "sqlite":
            queue = EmbeddedQueue()
            yield Delivery(db, seed, queue, queue)
        else:
            sender, receiver = [await process(db, stack) for _ in range(2)]
            yield Delivery(db, seed, sender, receiver)


async def process(db: Database, stack: AsyncExitStack) -> PostgresQueue:
    """Make the queue of one process of several."""
    assert TestDatabase.url is not None
    elsewhere = Elsewhere(db, TestDatabase.url)
    queue = PostgresQueue(elsewhere.wake)
    elsewhere.woken = queue.woken
    await elsewhere.open()
    stack.push_async_callback(elsewhere.close)
    return queue


async def test_a_waiting_worker_wakes_for_a_job_and_can_claim_it(delivery: Delivery) -> None:
    waiting = asyncio.create_task(delivery.receiver.wait(30))
    await asyncio.sleep(0)
    job_id = await delivery.put()
    async with asyncio.timeout(5):
        await waiting
    assert [row["id"] for row in await delivery.seed.claim()] == [job_id]


async def test_a_job_told_of_before_the_wait_ends_it_at_once(delivery: Delivery) -> None:
    woken = asyncio.create_task(delivery.receiver.wait(30))
    await delivery.put()
    await woken
    await delivery.put()
    async with asyncio.timeout(5):
        await delivery.receiver.wait(30)


async def test_a_wait_ends_by_itself(delivery: Delivery) -> None:
    async with asyncio.timeout(5):
        await delivery.receiver.wait(0.01)


async def test_many_wake_ups_are_one_and_leave_none_behind(delivery: Delivery) -> None:
    for _ in range(50):
        await delivery.put()
    async with asyncio.timeout(5):
        await delivery.receiver.wait(30)
    assert len(await delivery.seed.claim(most=100, concurrency=100)) == 50
    # At most one message was still on its way.
    await delivery.receiver.wait(0.2)
    began = asyncio.get_running_loop().time()
    await delivery.receiver.wait(0.2)
    assert asyncio.get_running_loop().time() - began > 0.15


async def test_what_is_undone_delivers_nothing(delivery: Delivery) -> None:
    async def effect(tx: Transaction) -> None:
        job = delivery.seed.new_job()
        await jobs.enqueue(tx, job, now=1)
        await delivery.sender.put(tx, job.id)
        raise LookupError

    with pytest.raises(LookupError):
        await delivery.db.write(effect)
    delivery.sender.wake()
    async with asyncio.timeout(5):
        await delivery.receiver.wait(30)
    assert await delivery.seed.claim() == []


async def test_a_worker_of_the_same_process_needs_no_message() -> None:
    told: list[bool] = []
    queue = PostgresQueue(lambda: told.append(True))
    queue.wake()
    async with asyncio.timeout(5):
        await queue.wait(30)
    assert told == [True]
