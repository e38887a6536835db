"""Whatever crashes, is cancelled or ends first: one terminal state, and one charge."""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from puras.server import clock
from puras.server.data import connected
from puras.server.db.database import Database, Row
from puras.server.db.migrate import migrate_sqlite
from puras.server.db.queries import Query
from puras.server.events.hub import Hub
from puras.server.events.writer import EventWriter
from puras.server.jobs import leases
from puras.server.jobs import store as jobs
from puras.server.jobs.calls import CallKey
from puras.server.jobs.states import Ending
from puras.server.refusals import Refused
from puras.server.settings import Settings
from puras.server.worker.recorder import Doing, Done, Recorder
from puras.wire import TERMINAL_STATUSES

from ..conftest import Seed

COST, BOUND, CALLS = 700, 1000, 3
MOVES = ("call", "call", "crash before", "crash after", "lose", "cancel", "finish", "fail")


class Play:
    """One job, moved about by whatever may happen to it."""

    def __init__(self, db: Database, seed: Seed) -> None:
        self.db, self.seed = db, seed
        self.hub = Hub()
        self.writer = EventWriter(db, self.hub)
        self.row: Row | None = None
        self.made: list[str] = []
        self.next_call = 1

    async def move(self, move: str) -> None:
        if self.row is None:
            claimed = await self.seed.claim()
            self.row = claimed[0] if claimed else None
        if self.row is None:
            return
        await self.MOVES[move](self, self.row)

    async def _call(self, row: Row) -> None:
        await self._perform(row)
        self.next_call = min(self.next_call + 1, CALLS)

    async def _crash_before(self, row: Row) -> None:
        await self._perform(row, crash="before")
        await self._lose(row)

    async def _crash_after(self, row: Row) -> None:
        await self._perform(row, crash="after")
        await self._lose(row)

    async def _perform(self, row: Row, *, crash: str = "") -> None:
        recorder = Recorder(self.db, self.hub, self.writer, clock.now, row)

        async def do(doing: Doing) -> Done:
            if crash == "before":
                raise asyncio.CancelledError
            self.made.append(doing.idempotency_key)
            if crash == "after":
                raise asyncio.CancelledError
            return Done(self.next_call, cost_micros=COST)

        try:
            call = CallKey("pay", str(self.next_call), 1)
            await recorder.perform(call, do, bound_micros=BOUND)
        except (asyncio.CancelledError, Refused):
            pass

    async def _lose(self, row: Row) -> None:
        changes = jobs.Changes()
        now = clock.now()
        await self.db.write(lambda tx: leases.lose(tx, row, now=now, changes=changes))
        self.row = None

    async def _cancel(self, row: Row) -> None:
        now = clock.now()
        await self.db.write(lambda tx: jobs.cancel(tx, job_id=row["id"], by="a test", now=now))

    async def _finish(self, row: Row) -> None:
        await self.seed.end(row, Ending("succeeded", result="{}", outputs="[]"))

    async def _fail(self, row: Row) -> None:
        ending = Ending("failed", error="no", public_error="no", error_code="function_error")
        await self.seed.end(row, ending)

    MOVES = {  # noqa: RUF012
        "call": _call,
        "crash before": _crash_before,
        "crash after": _crash_after,
        "lose": _lose,
        "cancel": _cancel,
        "finish": _finish,
        "fail": _fail,
    }


@pytest.mark.slow
@settings(max_examples=80, deadline=None)
@given(moves=st.lists(st.sampled_from(MOVES), min_size=1, max_size=12))
def test_any_interleaving_leaves_one_terminal_state_and_one_charge(moves: list[str]) -> None:
    asyncio.run(play([*moves, "finish", "finish"]))


async def play(moves: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        server = Settings(home=Path(folder))
        migrate_sqlite(server.database_path)
        async with connected(server) as db:
            seed = Seed(db)
            await seed.workspace()
            job_id = await seed.job()
            play = Play(db, seed)
            for move in moves:
                await play.move(move)
            await check(play, job_id)


async def check(play: Play, job_id: str) -> None:
    row = await play.seed.get(job_id)
    log = await play.seed.log(job_id)
    statuses = [entry for entry in log if entry.type == "status"]
    ended = [entry for entry in statuses if _status(entry.payload) in TERMINAL_STATUSES]
    assert row["status"] in TERMINAL_STATUSES
    assert len(ended) == 1
    assert log[-1] == ended[0]
    assert [entry.id for entry in log] == list(range(1, len(log) + 1))
    debits = await _all(play.db, "SELECT amount_micros FROM ledger WHERE kind = 'debit'")
    paid = [-one["amount_micros"] for one in debits]
    assert paid == (
        [row["cost_micros"]] if row["status"] == "succeeded" and row["cost_micros"] else []
    )
    assert await _all(play.db, "SELECT id FROM holds WHERE state <> 'closed'") == []
    settled = await _all(play.db, "SELECT cost_micros FROM holds WHERE cost_micros > 0")
    assert sum(one["cost_micros"] for one in settled) == row["cost_micros"]
    assert len(settled) <= len(set(play.made))


def _status(payload: str) -> str:
    return str(json.loads(payload)["status"])


async def _all(db: Database, sql: str) -> list[dict[str, Any]]:
    return [dict(row) for row in await db.read(lambda tx: tx.all(Query("check", sql)))]
