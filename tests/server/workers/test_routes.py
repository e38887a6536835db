"""Who is at work, and what waits."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from puras.server.app import ROUTES
from puras.server.clock import now
from puras.server.jobs.states import LEASE
from puras.server.workers import store

from ..jobs.bench import Bench, Skill, open_bench
from ..support import make_skillpack, make_workspace, mint, open_platform, serving

SLEEP = Skill(
    "sleep",
    """
    import time
    def run():
        print("asleep", flush=True)
        time.sleep(60)
    """,
)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_bench(tmp_path / "data", concurrency=1) as opened:
        yield opened


async def workers(bench: Bench, **more: Any) -> dict[str, Any]:
    answer = await bench.client.get("/v1/workers", **more)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def beaten(bench: Bench) -> None:
    """Return once the worker has said that it is alive."""
    worker = bench.platform.worker
    assert worker is not None
    await bench.platform.db.write(
        lambda tx: store.beat(tx, worker_id=worker.id, places=worker.concurrency, now=now())
    )


async def test_a_worker_is_shown_with_what_it_runs_and_the_queue_with_its_wait(
    bench: Bench,
) -> None:
    await bench.deploy(SLEEP)
    first = await bench.begin("sleep")
    await bench.until_logged(first, "asleep")
    await bench.begin("sleep")
    await beaten(bench)
    told = await workers(bench)
    (worker,) = told["workers"]
    assert bench.platform.worker is not None
    assert worker["id"] == bench.platform.worker.id
    assert (worker["places"], worker["running"]) == (1, 1)
    assert worker["started_at"] <= worker["seen_at"]
    queue = told["queue"]
    assert (queue["queued"], queue["running"], queue["waiting_for_approval"]) == (1, 1, 0)
    assert 0 <= queue["oldest_wait_ms"] < 60_000


async def test_of_another_workspace_s_jobs_nothing_is_told(bench: Bench) -> None:
    await bench.deploy(SLEEP)
    first = await bench.begin("sleep")
    await bench.until_logged(first, "asleep")
    await beaten(bench)
    stranger = await bench.stranger()
    told = await workers(bench, headers=stranger.headers)
    assert [worker["running"] for worker in told["workers"]] == [0]
    assert told["queue"] == {
        "queued": 0,
        "waiting_for_approval": 0,
        "running": 0,
        "oldest_wait_ms": None,
    }


async def test_a_worker_that_was_not_seen_for_a_lease_is_not_shown(bench: Bench) -> None:
    await bench.platform.db.write(
        lambda tx: store.beat(tx, worker_id="gone", places=3, now=now() - LEASE - 1)
    )
    assert "gone" not in [worker["id"] for worker in (await workers(bench))["workers"]]
    await bench.platform.db.write(lambda tx: store.forget(tx, before=now() - LEASE))
    assert await bench.rows("SELECT id FROM workers WHERE id = 'gone'") == []


async def test_a_worker_that_stops_is_gone_at_once(tmp_path: Path) -> None:
    async with open_bench(tmp_path / "data") as bench:
        await beaten(bench)
        assert len((await workers(bench))["workers"]) == 1
        worker = bench.platform.worker
        assert worker is not None
        await worker.stop(grace=0)
        assert (await workers(bench))["workers"] == []


async def test_where_nobody_runs_jobs_they_wait_and_that_can_be_seen(tmp_path: Path) -> None:
    async with open_platform(tmp_path) as platform, serving(platform, *ROUTES) as client:
        workspace_id = await make_workspace(platform)
        key = await mint(platform, workspace_id)
        await make_skillpack(platform, workspace_id, "pack", skills=["greet"])
        body = {"skill": "pack/greet"}
        made = await client.post("/v1/jobs", headers=key.headers, json=body)
        assert made.status_code == 201, made.text
        told = (await client.get("/v1/workers", headers=key.headers)).json()
    assert told["workers"] == []
    assert told["queue"]["queued"] == 1
