from __future__ import annotations

import asyncio

from puras.server.events.hub import Hub
from puras.server.events.store import StoredEvent, status_event
from puras.server.worker.queue.embedded import EmbeddedQueue


def event(number: int, *, size: int = 1, job_id: str = "j") -> StoredEvent:
    return StoredEvent(job_id, number, 0, "log", '{"m":"' + "x" * size + '"}', None)


async def test_a_watcher_wakes_once_for_what_was_published_before_and_during_its_wait() -> None:
    hub = Hub()
    with hub.watch("j") as watch:
        hub.publish([event(1)])
        assert await watch.wait(0.01) is True
        assert await watch.wait(0.01) is False
        waiting = asyncio.create_task(watch.wait(5))
        await asyncio.sleep(0)
        hub.publish([event(2)])
        assert await waiting is True


async def test_other_jobs_events_wake_nobody() -> None:
    hub = Hub()
    with hub.watch("j") as watch:
        hub.publish([event(1, job_id="other")])
        assert await watch.wait(0.01) is False


async def test_the_tail_serves_a_reader_that_is_close_behind_and_sends_others_to_the_log() -> None:
    hub = Hub()
    with hub.watch("j") as watch:
        assert watch.tail_after(0) is None
        hub.publish([event(n) for n in range(5, 8)])
        assert [e.id for e in watch.tail_after(4) or []] == [5, 6, 7]
        assert [e.id for e in watch.tail_after(6) or []] == [7]
        assert watch.tail_after(7) == []
        assert watch.tail_after(3) is None


async def test_the_tail_is_bounded_in_events_and_in_bytes() -> None:
    hub = Hub()
    with hub.watch("j") as watch:
        hub.publish([event(n) for n in range(1, 1001)])
        assert len(watch.tail_after(744) or []) == 256
        hub.publish([event(1001, size=900_000), event(1002, size=900_000)])
        assert watch.tail_after(1000) is None
        assert [e.id for e in watch.tail_after(1001) or []] == [1002]


async def test_events_published_out_of_order_never_leave_a_gap_in_the_tail() -> None:
    hub = Hub()
    with hub.watch("j") as watch:
        hub.publish([event(1), event(3)])
        hub.publish([event(2)])
        assert watch.tail_after(1) is None
        assert [e.id for e in watch.tail_after(2) or []] == [3]


async def test_nothing_is_kept_for_a_job_that_nobody_watches() -> None:
    hub = Hub()
    hub.publish([event(1)])
    with hub.watch("j") as watch:
        assert watch.tail_after(0) is None


def test_the_public_view_hides_what_the_full_one_tells() -> None:
    told = status_event(0, "failed", error="secret path", public_error="the skill failed")
    stored = StoredEvent("j", 1, 0, told.type, told.payload, told.public_payload)
    assert b"secret path" in stored.encode(public=False)
    assert b"secret path" not in stored.encode(public=True)
    assert b"the skill failed" in stored.encode(public=True)


async def test_a_reader_that_is_cancelled_as_it_is_woken_is_cancelled() -> None:
    hub = Hub()
    with hub.watch("j") as watch:
        waiting = asyncio.create_task(watch.wait(5))
        await asyncio.sleep(0)
        hub.publish([event(1)])
        waiting.cancel()
        await asyncio.wait({waiting})
        assert waiting.cancelled()


async def test_a_worker_that_is_cancelled_as_it_is_woken_is_cancelled() -> None:
    queue = EmbeddedQueue()
    waiting = asyncio.create_task(queue.wait(5))
    await asyncio.sleep(0)
    queue.wake()
    waiting.cancel()
    await asyncio.wait({waiting})
    assert waiting.cancelled()
