from __future__ import annotations

import asyncio

import pytest

from puras.server.events import hub as hubs
from puras.server.events.encoded import PAGE_BYTES
from puras.server.events.hub import Hub, Watch
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


@pytest.fixture
def long_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hubs, "REST_SECONDS", 600)
    monkeypatch.setattr(hubs, "MAX_REST_SECONDS", 600)


async def waiting(watch: Watch) -> asyncio.Task[bool]:
    task = asyncio.create_task(watch.wait(20))
    await asyncio.sleep(0)
    return task


async def test_the_first_event_after_a_silence_goes_at_once_and_those_of_a_flood_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hubs, "REST_SECONDS", 1.5)
    monkeypatch.setattr(hubs, "MAX_REST_SECONDS", 3)
    hub = Hub()
    with hub.watch("j") as watch:
        readers = [await waiting(watch) for _ in range(2)]
        hub.publish([event(1)])
        assert all(await asyncio.gather(*readers)), "and now the topic rests for 3 seconds"
        again = await waiting(watch)
        for number in range(2, 50):
            hub.publish([event(number)])
            await asyncio.sleep(0)
        assert not again.done()
        assert await again is True
        assert len(watch.tail_after(1) or []) == 48
        assert await watch.wait(0.01) is False, "there was one wake for all of them"


@pytest.mark.parametrize(("readers", "seconds"), [(1, 0.0002), (1_000, 0.2), (5_000, 0.25)])
async def test_the_rest_is_as_long_as_there_are_readers_but_never_longer_than_a_quarter_second(
    readers: int, seconds: float
) -> None:
    hub, loop = Hub(), asyncio.get_running_loop()
    with hub.watch("j") as watch:
        woken = [await waiting(watch) for _ in range(readers)]
        before = loop.time()
        hub.publish([event(1)])
        rests_until = watch._topic.rested_at
        assert before + seconds <= rests_until <= loop.time() + seconds
        await asyncio.gather(*woken)


@pytest.mark.usefixtures("long_rests")
async def test_the_last_event_of_a_job_never_waits_for_a_rest() -> None:
    hub = Hub()
    told = status_event(0, "succeeded")
    with hub.watch("j") as watch:
        reader = await waiting(watch)
        hub.publish([event(1)])
        assert await reader is True
        reader = await waiting(watch)
        hub.publish([event(2)])
        await asyncio.sleep(0.05)
        assert not reader.done()
        hub.publish([StoredEvent("j", 3, 0, told.type, told.payload, None)])
        async with asyncio.timeout(5):
            assert await reader is True


@pytest.mark.usefixtures("long_rests")
async def test_a_server_that_closes_wakes_readers_of_a_job_that_rests() -> None:
    hub = Hub()
    with hub.watch("j") as watch:
        reader = await waiting(watch)
        hub.publish([event(1)])
        assert await reader is True
        reader = await waiting(watch)
        hub.publish([event(2)])
        hub.close()
        async with asyncio.timeout(5):
            assert await reader is True


async def test_readers_at_the_same_place_share_a_page_of_their_view_until_there_is_more() -> None:
    hub = Hub()
    failed = status_event(0, "failed", error="secret path", public_error="the skill failed")
    with hub.watch("j") as one, hub.watch("j") as other:
        payloads = (failed.payload, failed.public_payload)
        hub.publish([event(1), StoredEvent("j", 2, 0, "status", *payloads)])
        page = one.page_after(0, public=False)
        assert page is not None
        assert other.page_after(0, public=False) is page
        assert (page.last, page.ends_with) == (2, "failed")
        assert page.text.startswith(b'id: 1\ndata: {"id":1,')
        assert b"secret path" in page.text
        hidden = other.page_after(0, public=True)
        assert hidden is not None
        assert b"secret path" not in hidden.text
        assert b"the skill failed" in hidden.text
        behind = other.page_after(1, public=False)
        assert behind is not None
        assert behind.text in page.text
        assert behind.text.startswith(b"id: 2\n")
        hub.publish([event(3)])
        more = one.page_after(0, public=False)
        assert more is not None
        assert (more.last, more.text.count(b"\n\n")) == (3, 3)
        ahead = one.page_after(3, public=False)
        assert ahead is not None
        assert (ahead.last, ahead.text) == (3, b"")
        hub.stir("j", 9)
        assert one.page_after(0, public=False) is None


async def test_a_page_has_room_for_one_event_at_least_and_for_no_more_than_fit() -> None:
    hub = Hub()
    with hub.watch("j") as watch:
        sizes = [PAGE_BYTES, 300, PAGE_BYTES - 200, 1]
        hub.publish([event(number, size=size) for number, size in enumerate(sizes, 1)])
        lasts, after = [], 0
        while (page := watch.page_after(after, public=False)) is not None and page.text:
            lasts.append(after := page.last)
        assert lasts == [1, 2, 4]


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
