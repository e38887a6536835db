"""How an event's payload is written: always JSON, never over its limit."""

from __future__ import annotations

import asyncio
import json

import pytest

from puras.server.db.sqlite import SQLiteDatabase
from puras.server.events.hub import Hub
from puras.server.events.payloads import encode_payload
from puras.server.events.store import NewEvent
from puras.server.events.writer import EventsLost, EventWriter
from puras.server.worker.progress import Progress
from puras.wire import MAX_EVENT_PAYLOAD_BYTES


def test_a_small_payload_is_written_as_it_is() -> None:
    payload = {"message": "é\u2028", "n": [1, None]}
    assert json.loads(encode_payload(payload)) == payload


@pytest.mark.parametrize(
    "payload",
    [
        {"name": "x", "input": "é" * MAX_EVENT_PAYLOAD_BYTES},
        {"name": "x", **{f"field {n}": "y" * 100 for n in range(10_000)}},
        {"name": "x", "deep": {"list": ["z" * 1000] * 1000}},
    ],
)
def test_a_payload_over_the_limit_keeps_what_is_small_and_says_that_it_was_cut(
    payload: dict[str, object],
) -> None:
    text = encode_payload(payload)
    assert len(text.encode()) <= MAX_EVENT_PAYLOAD_BYTES
    cut = json.loads(text)
    assert (cut["name"], cut["cut"]) == ("x", True)
    assert cut["size_bytes"] > MAX_EVENT_PAYLOAD_BYTES


def test_half_a_surrogate_pair_can_be_written() -> None:
    assert json.loads(encode_payload({"m": "a\ud800"})) == {"m": "a?"}


async def test_progress_tells_the_first_at_once_and_the_last_at_the_end() -> None:
    told: list[int] = []
    progress = Progress(lambda payload: told.append(payload["n"]), interval=60)
    for n in range(1000):
        progress.say({"n": n})
    assert told == [0]
    progress.close()
    assert told == [0, 999]


async def test_progress_tells_the_newest_when_its_turn_comes() -> None:
    told: asyncio.Queue[int] = asyncio.Queue()
    progress = Progress(lambda payload: told.put_nowait(payload["n"]), interval=0.01)
    for n in range(3):
        progress.say({"n": n})
    async with asyncio.timeout(5):
        assert [await told.get(), await told.get()] == [0, 2]
    progress.close()


async def test_a_run_whose_events_can_not_be_written_does_not_end_as_if_they_were(
    seed, db: SQLiteDatabase
) -> None:
    await seed.workspace()
    good, bad = await seed.job(), await seed.job()
    await seed.claim(most=2)
    writer = EventWriter(db, Hub(), pauses=())
    writer.add((bad, 1), NewEvent(1, "log", None))  # type: ignore[arg-type]
    with pytest.raises(EventsLost):
        await writer.drain((bad, 1))
    writer.add((good, 1), NewEvent(1, "log", "{}"))
    await writer.drain((good, 1))
    assert [event.type for event in await seed.log(good)] == ["status", "status", "log"]
    assert [event.type for event in await seed.log(bad)] == ["status", "status"]
