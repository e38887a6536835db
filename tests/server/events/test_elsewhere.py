"""Several processes on one PostgreSQL, each played by its own hub, channel and connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import pytest

from puras.server.db.channel import MAX_MESSAGE_BYTES
from puras.server.db.database import Database, Transaction
from puras.server.events import elsewhere, store
from puras.server.events.elsewhere import Elsewhere, News
from puras.server.events.store import NewEvent, StoredEvent
from puras.server.events.writer import EventWriter
from puras.server.jobs import store as jobs

from ...postgres import PostgresServer
from ..conftest import Seed
from ..support import ON_POSTGRES, TestDatabase

pytestmark = ON_POSTGRES


@dataclass
class Process:
    """One of several processes; `ended` is what it was told to stop."""

    elsewhere: Elsewhere
    writer: EventWriter
    ended: list[str] = field(default_factory=list)
    told: asyncio.Event = field(default_factory=asyncio.Event)

    def let_go(self, job_ids: list[str]) -> None:
        self.ended += job_ids
        self.told.set()


@pytest.fixture
async def start(db: Database) -> AsyncIterator[Callable[[], object]]:
    async with AsyncExitStack() as stack:

        async def begin() -> Process:
            assert TestDatabase.url is not None
            joined = Elsewhere(db, TestDatabase.url)
            process = Process(joined, EventWriter(db, joined.hub))
            joined.let_go = process.let_go  # type: ignore[assignment]
            await joined.open()
            stack.push_async_callback(joined.close)
            return process

        yield begin


@pytest.fixture
async def here(start) -> Process:
    return await start()


@pytest.fixture
async def there(start) -> Process:
    return await start()


@pytest.fixture
async def job_id(seed: Seed) -> str:
    await seed.workspace()
    job_id = await seed.job()
    await seed.claim()
    return job_id


async def say(process: Process, job_id: str, *texts: str) -> None:
    for text in texts:
        process.writer.add((job_id, 1), NewEvent(1, "log", f'{{"m":"{text}"}}'))
    await process.writer.drain((job_id, 1))


async def follow(process: Process, db: Database, job_id: str, *, until: int) -> list[int]:
    """Read as a stream does: from the tail where it reaches back, else from the log."""
    seen: list[int] = []
    async with asyncio.timeout(10):
        with process.elsewhere.hub.watch(job_id) as watch:
            while not seen or seen[-1] < until:
                after = seen[-1] if seen else 0
                fresh = watch.tail_after(after)
                if fresh is None:
                    fresh = await db.read(
                        lambda tx, after=after: store.page(tx, job_id=job_id, after=after, limit=10)
                    )
                seen += [event.id for event in fresh]
                if not fresh:
                    await watch.wait(5)
    return seen


async def test_what_one_process_commits_the_readers_of_another_see_at_once_and_whole(
    here: Process, there: Process, db: Database, job_id: str
) -> None:
    reading = [
        asyncio.create_task(follow(process, db, job_id, until=302))
        for process in (there, there, here)
    ]
    for n in range(100):
        await say(here, job_id, *(f"{n}.{m}" for m in range(3)))
    for seen in await asyncio.gather(*reading):
        assert seen == list(range(1, 303))


async def test_the_readers_of_a_process_share_one_look_at_the_log(
    here: Process, there: Process, db: Database, job_id: str
) -> None:
    with there.elsewhere.hub.watch(job_id) as watch:
        await say(here, job_id, "first")
        assert await watch.wait(5)
        assert watch.tail_after(3) is None, "what came before is in the log"
        await say(here, job_id, "second", "third")
        assert await watch.wait(5)
        assert [event.id for event in watch.tail_after(3) or []] == [4, 5]


async def test_a_reader_far_behind_is_sent_to_the_log(
    here: Process, there: Process, db: Database, job_id: str
) -> None:
    with there.elsewhere.hub.watch(job_id) as watch:
        await say(here, job_id, "first")
        assert await watch.wait(5)
        there.elsewhere.hear(next(News({job_id: 900}).messages("x")))
        assert await watch.wait(5)
        assert watch.tail_after(3) is None


async def test_large_events_are_left_in_the_log(
    here: Process, there: Process, db: Database, job_id: str
) -> None:
    with there.elsewhere.hub.watch(job_id) as watch:
        await say(here, job_id, "first")
        assert await watch.wait(5)
        await say(here, job_id, *("x" * 250_000 for _ in range(8)))
        assert await watch.wait(5)
    assert await follow(there, db, job_id, until=11) == list(range(1, 12))


async def test_a_job_that_ends_here_is_let_go_there(
    here: Process, there: Process, db: Database, job_id: str
) -> None:
    changes = await db.write(lambda tx: jobs.cancel(tx, job_id=job_id, by="its caller", now=2))
    here.elsewhere.hub.publish(changes.events)
    async with asyncio.timeout(5):
        await there.told.wait()
    assert there.ended == [job_id]
    assert here.ended == [], "what is done here is told here by the worker itself"


async def test_what_no_message_told_of_is_seen_within_a_second_or_so(
    there: Process, db: Database, job_id: str
) -> None:
    async def write(tx: Transaction) -> list[StoredEvent]:
        return await store.append(
            tx, job_id=job_id, attempt=1, events=[NewEvent(1, "log", "{}")] * 3
        )

    reading = asyncio.create_task(follow(there, db, job_id, until=5))
    await db.write(write)
    began = asyncio.get_running_loop().time()
    assert await reading == [1, 2, 3, 4, 5]
    assert asyncio.get_running_loop().time() - began < 2 * elsewhere.LOOK_SECONDS


async def test_a_broken_connection_is_made_anew(
    here: Process, there: Process, db: Database, job_id: str, postgres: PostgresServer
) -> None:
    reading = asyncio.create_task(follow(there, db, job_id, until=42))
    await say(here, job_id, *map(str, range(20)))
    postgres.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'puras' AND query ILIKE 'listen%'",
        TestDatabase.url,
    )
    await say(here, job_id, *map(str, range(20)))
    assert await reading == list(range(1, 43))
    last = 42
    with there.elsewhere.hub.watch(job_id) as watch:
        async with asyncio.timeout(10):
            while not watch.tail_after(last - 1):
                await say(here, job_id, "more")
                last += 1
                await watch.wait(0.5)


async def test_looking_goes_on_when_it_fails_once(there: Process) -> None:
    looks: list[int] = []
    again = asyncio.Event()

    async def look() -> None:
        looks.append(1)
        if len(looks) == 1:
            raise ConnectionError
        again.set()

    there.elsewhere.look = look
    async with asyncio.timeout(10):
        await again.wait()


def test_news_fits_into_messages_however_much_there_is(dialect: str) -> None:
    ids = [f"{n:036}" for n in range(1000)]
    news = News(dict.fromkeys(ids, 10**9), set(ids), wake=True)
    messages = list(news.messages("s" * 36))
    assert all(len(message) <= MAX_MESSAGE_BYTES for message in messages)
    assert sum(message.count('":1000000000') for message in messages) == 1000
    assert list(News(wake=True).messages("me")) == [
        '{"sender":"me","reached":{},"ended":[],"wake":true}'
    ]
