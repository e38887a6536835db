"""Paid calls are made once and paid once, wherever an attempt is cut off."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from puras.server import clock
from puras.server.billing import store as billing
from puras.server.db.database import Database, Row
from puras.server.db.queries import Query
from puras.server.events.hub import Hub
from puras.server.events.store import NewEvent
from puras.server.events.writer import EventWriter
from puras.server.jobs import store as jobs
from puras.server.jobs.calls import CallKey
from puras.server.jobs.states import Ending
from puras.server.refusals import Refused
from puras.server.worker.recorder import Doing, Done, Recorder

from ..conftest import Seed

CALL = CallKey("paint", "abc", 1)


class Crash(asyncio.CancelledError):
    """The attempt stops here, as when its worker is killed."""


@dataclass
class Provider:
    """Something that costs money; it remembers every call that reached it."""

    reached: list[str] = field(default_factory=list)
    crashes_after: bool = False
    noted: Any = None

    async def paint(self, doing: Doing) -> Done:
        self.noted = doing.note
        await doing.remember({"request": len(self.reached)})
        self.reached.append(doing.idempotency_key)
        if self.crashes_after:
            self.crashes_after = False
            raise Crash
        return Done({"picture": 1}, cost_micros=700, events=[event("tool_result")], tokens=(3, 4))


def event(type: str) -> NewEvent:
    return NewEvent(clock.now(), type, json.dumps({}))


@dataclass
class Site:
    """A job at work, and recorders for its attempts."""

    db: Database
    seed: Seed
    hub: Hub
    writer: EventWriter
    row: Row

    def recorder(self, *, limit: int | None = None) -> Recorder:
        return Recorder(self.db, self.hub, self.writer, clock.now, self.row, run_limit_micros=limit)

    async def next_attempt(self) -> Recorder:
        await self.db.write(
            lambda tx: jobs.hand_back(
                tx,
                job_id=self.row["id"],
                attempt=self.row["attempt"],
                now=clock.now(),
                changes=jobs.Changes(),
            )
        )
        [self.row] = await self.seed.claim()
        return self.recorder()

    async def types(self) -> list[str]:
        return [entry.type for entry in await self.seed.log(self.row["id"])]

    async def held(self) -> list[tuple[str, int, int | None]]:
        sql = "SELECT state, held_micros, cost_micros FROM holds ORDER BY id"
        rows = await self.db.read(lambda tx: tx.all(Query("held", sql)))
        return [(row["state"], row["held_micros"], row["cost_micros"]) for row in rows]


@pytest.fixture
async def site(db: Database, seed: Seed) -> Site:
    await seed.workspace()
    await db.write(
        lambda tx: billing.post(
            tx, workspace_id="acme", kind="grant", amount_micros=1_000_000, now=1
        )
    )
    await seed.job()
    [row] = await seed.claim()
    hub = Hub()
    return Site(db, seed, hub, EventWriter(db, hub), row)


async def test_a_call_is_held_then_settled_with_its_events(site: Site) -> None:
    provider = Provider()
    value = await site.recorder().perform(
        CALL, provider.paint, bound_micros=1000, events=[event("tool_call")]
    )
    assert value == {"picture": 1}
    assert await site.held() == [("settled", 1000, 700)]
    assert (await site.types())[-2:] == ["tool_call", "tool_result"]
    row = await site.seed.get(site.row["id"])
    assert (row["cost_micros"], row["input_tokens"], row["output_tokens"]) == (700, 3, 4)


async def test_a_done_call_is_not_made_again_by_a_later_attempt(site: Site) -> None:
    provider = Provider()
    await site.recorder().perform(CALL, provider.paint, bound_micros=1000)
    again = await (await site.next_attempt()).perform(CALL, provider.paint, bound_micros=1000)
    assert again == {"picture": 1}
    assert len(provider.reached) == 1
    assert await site.held() == [("settled", 1000, 700)]


async def test_a_call_that_was_cut_off_is_taken_up_with_its_note_key_and_hold(site: Site) -> None:
    provider = Provider(crashes_after=True)
    with pytest.raises(asyncio.CancelledError):
        await site.recorder().perform(
            CALL, provider.paint, bound_micros=1000, events=[event("tool_call")]
        )
    assert await site.held() == [("open", 1000, None)]
    again = await (await site.next_attempt()).perform(
        CALL, provider.paint, bound_micros=1000, events=[event("tool_call")]
    )
    assert again == {"picture": 1}
    assert provider.noted == {"request": 0}
    assert len(set(provider.reached)) == 1
    assert await site.held() == [("settled", 1000, 700)]
    assert [t for t in await site.types() if t.startswith("tool")] == ["tool_call", "tool_result"]


async def test_a_call_that_fails_by_itself_costs_nothing_and_may_be_made_again(site: Site) -> None:
    async def fail(doing: Doing) -> Done:
        raise ValueError("the provider is down")

    recorder = site.recorder()
    with pytest.raises(ValueError, match="down"):
        await recorder.perform(CALL, fail, bound_micros=1000)
    assert await recorder.recall(CALL) is None
    assert await site.held() == [("settled", 1000, 0)]
    assert await recorder.perform(CALL, Provider().paint, bound_micros=1000) == {"picture": 1}


async def test_a_call_beyond_the_limit_of_the_run_is_refused_before_it_is_made(site: Site) -> None:
    provider = Provider()
    with pytest.raises(Refused) as refused:
        await site.recorder(limit=999).perform(CALL, provider.paint, bound_micros=1000)
    assert refused.value.code == "cost_limit"
    assert provider.reached == []
    assert await site.held() == []


async def test_a_bound_is_lowered_to_what_is_left_but_not_below_the_least(site: Site) -> None:
    held = []

    async def look(doing: Doing) -> Done:
        held.append(doing.held_micros)
        return Done(None)

    recorder = site.recorder(limit=600)
    await recorder.perform(CALL, look, bound_micros=1000, least_micros=100)
    assert held == [600]
    other = CallKey("paint", "def", 1)
    with pytest.raises(Refused):
        await site.recorder(limit=99).perform(other, look, bound_micros=1000, least_micros=100)


async def test_an_attempt_that_was_fenced_off_records_nothing(site: Site) -> None:
    former = site.recorder()
    provider = Provider()

    async def slow(doing: Doing) -> Done:
        await site.next_attempt()
        return await provider.paint(doing)

    with pytest.raises(Refused) as refused:
        await former.perform(CALL, slow, bound_micros=1000)
    assert refused.value.code == "job_not_found"
    known = await site.recorder().recall(CALL)
    assert known is not None
    assert known[0] == "intended"


async def test_a_job_that_ends_in_the_middle_of_a_call_pays_nothing_for_it(site: Site) -> None:
    provider = Provider(crashes_after=True)
    with pytest.raises(asyncio.CancelledError):
        await site.recorder().perform(CALL, provider.paint, bound_micros=1000)
    await site.seed.end(site.row, Ending("succeeded", result="{}", outputs="[]"))
    assert await site.held() == [("closed", 1000, 0)]
