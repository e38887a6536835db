"""Runs of a suite that end at the same time, and a cancel amid of them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from puras.server.clock import new_id
from puras.server.db.queries import Query
from puras.server.evals import store
from puras.server.evals.store import AT_ONCE, NewSuite, Suite
from puras.server.jobs import store as jobs
from puras.server.jobs.states import Ending

from ..conftest import Seed

if TYPE_CHECKING:
    from puras.server.db.database import Database, Row

RUNS = 40
DONE = Ending("succeeded", result="{}", outputs="[]", eval_score=1.0, eval_results="[]")
LEFT = Query("left", "SELECT count(*) AS n FROM jobs WHERE status IN ('queued', 'running')")


@pytest.fixture
async def suite(db: Database, seed: Seed) -> Suite:
    await seed.workspace()
    new = NewSuite(
        id=new_id(),
        workspace_id="acme",
        skillpack_id="acme-pack",
        skill_name="echo",
        deployment_id="acme-deployment",
        version=1,
        key_id=None,
        repeat=1,
        threshold=1.0,
        graders=[("schema", "schema")],
        cases=[("one", [])],
    )
    runs = [(seed.new_job(source="eval"), "one") for _ in range(RUNS)]
    await db.write(lambda tx: store.create(tx, new, runs, now=1))
    return await db.read(lambda tx: store.get(tx, new.id, workspace_id="acme"))


async def end_all(seed: Seed, rows: list[Row]) -> None:
    ended = await asyncio.gather(*(seed.end(row, DONE) for row in rows))
    assert None not in ended


async def test_as_many_begin_as_end(db: Database, seed: Seed, suite: Suite) -> None:
    seen: set[str] = set()
    while len(seen) < RUNS:
        rows = await seed.claim(most=RUNS, concurrency=RUNS)
        assert len(rows) == AT_ONCE, "each run that ended let another one begin"
        seen |= {row["id"] for row in rows}
        await end_all(seed, rows)
    assert await seed.claim(most=RUNS, concurrency=RUNS) == []


async def test_a_run_that_is_queued_again_lets_no_other_begin(
    db: Database, seed: Seed, suite: Suite
) -> None:
    rows = await seed.claim(most=RUNS, concurrency=RUNS)
    changes = jobs.Changes()
    for row in rows:
        await db.write(
            lambda tx, row=row: jobs.hand_back(  # type: ignore[misc]
                tx, job_id=row["id"], attempt=row["attempt"], now=2, changes=changes
            )
        )
    again = await seed.claim(most=RUNS, concurrency=RUNS)
    assert {row["id"] for row in again} == {row["id"] for row in rows}


async def test_a_cancel_amid_of_ends_leaves_nothing_behind(
    db: Database, seed: Seed, suite: Suite
) -> None:
    rows = await seed.claim(most=RUNS, concurrency=RUNS)

    async def cancel() -> None:
        await db.write(lambda tx: store.cancel(tx, suite, now=3))

    await asyncio.gather(cancel(), *(seed.end(row, DONE) for row in rows), cancel())
    left = await db.read(lambda tx: tx.one(LEFT))
    assert left is not None
    assert left["n"] == 0
    runs = await db.read(lambda tx: store.runs(tx, suite))
    assert {run["status"] for run in runs} <= {"succeeded", "cancelled"}
    for run in runs:
        log = await seed.log(run["id"])
        assert [event.id for event in log] == list(range(1, len(log) + 1))
        assert log[-1].type == "status"


async def test_a_run_that_was_cancelled_by_itself_lets_the_next_one_begin(
    db: Database, seed: Seed, suite: Suite
) -> None:
    rows = await seed.claim(most=RUNS, concurrency=RUNS)
    await db.write(lambda tx: jobs.cancel(tx, job_id=rows[0]["id"], by="a test", now=3))
    assert len(await seed.claim(most=RUNS, concurrency=RUNS)) == 1
