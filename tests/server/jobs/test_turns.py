"""Whose turn it is: limits of workspaces, keys and skills, and nobody who waits for ever."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from puras.server.clock import new_id, parse_iso
from puras.server.db.database import Database
from puras.server.db.queries import Query
from puras.server.jobs import store as jobs
from puras.server.jobs.states import Ending
from puras.server.jobs.turns import Lane, next_turns
from puras.server.keys import store as keys
from puras.server.keys import tokens
from puras.server.keys.fences import Fences

from ..conftest import Seed
from .bench import ECHO, open_bench

DONE = Ending("succeeded", result="{}", outputs="[]")
MANY = 10_000
FLOOD = Query(
    "flood",
    """
    WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :count)
    INSERT INTO jobs (id, workspace_id, skillpack_id, skillpack, deployment_id, version, skill_name,
                      type, key_id, lane, skill_concurrency, root_job_id, wide_reach, inputs,
                      last_event_id, created_at)
    SELECT 'flood-' || n, workspace_id, skillpack_id, skillpack, deployment_id, version, skill_name,
           type, key_id, lane, skill_concurrency, 'flood-' || n, 1, inputs, 1, created_at
    FROM jobs CROSS JOIN numbers WHERE id = :id
    """,
)
FIRST_EVENTS = Query(
    "first_events",
    "INSERT INTO events (job_id, id, ts, type, payload)"
    """ SELECT id, 1, created_at, 'status', '{"status":"queued"}' FROM jobs"""
    " WHERE id LIKE 'flood-%'",
)


async def key(seed: Seed, *, concurrency: int | None = None, workspace: str = "acme") -> str:
    fences = Fences(concurrency=concurrency)
    return await seed.db.write(
        lambda tx: keys.mint(
            tx, tokens.mint("secret"), workspace_id=workspace, name="k", now=1, fences=fences
        )
    )


async def flood(seed: Seed, **job: Any) -> None:
    """Queue ten thousand jobs like the one described."""
    id = await seed.job(**job)
    await seed.db.write(lambda tx: tx.run(FLOOD, id=id, count=MANY))
    await analyze(seed.db)


async def analyze(db: Database) -> None:
    await db.write(lambda tx: tx.run(Query("analyze", "ANALYZE jobs")))


async def test_a_key_runs_no_more_than_its_own_concurrency_and_holds_up_no_other(
    seed: Seed,
) -> None:
    await seed.workspace()
    narrow, wide = await key(seed, concurrency=2), await key(seed)
    for _ in range(5):
        await seed.job(key_id=narrow)
    other = await seed.job(key_id=wide)
    rows = await seed.claim(most=10)
    assert [row["key_id"] for row in rows].count(narrow) == 2
    assert other in {row["id"] for row in rows}
    assert await seed.claim(most=10) == []
    await seed.end(next(row for row in rows if row["key_id"] == narrow), DONE)
    (next_one,) = await seed.claim(most=10)
    assert next_one["key_id"] == narrow


async def test_a_skill_runs_no_more_than_its_own_concurrency_in_all_workspaces_together(
    seed: Seed,
) -> None:
    await seed.workspace("acme")
    await seed.workspace("other")
    one_at_a_time = {"skill_name": "gpu", "skillpack_id": "acme-pack", "skill_concurrency": 1}
    for workspace in ("acme", "other", "acme"):
        await seed.job(workspace, **one_at_a_time)
    free = await seed.job("acme")
    rows = await seed.claim(most=10)
    assert sorted(row["skill_name"] for row in rows) == ["echo", "gpu"]
    assert free in {row["id"] for row in rows}
    gpu = next(row for row in rows if row["skill_name"] == "gpu")
    await seed.end(gpu, DONE)
    (second,) = await seed.claim(most=10)
    await seed.end(second, DONE)
    (third,) = await seed.claim(most=10)
    turns = [gpu["workspace_id"], second["workspace_id"], third["workspace_id"]]
    assert sorted(turns) == ["acme", "acme", "other"]


async def test_trees_of_skills_with_limits_never_wait_for_each_other(
    seed: Seed, db: Database
) -> None:
    await seed.workspace()
    a = {"skill_name": "a", "skill_concurrency": 1}
    b = {"skill_name": "b", "skill_concurrency": 1}
    await seed.job(**a)
    await seed.job(**b)
    first, second = await seed.claim(most=10)
    await seed.job(**a)
    for parent, child in ((first, b), (second, a)):
        await db.write(
            lambda tx, p=parent: jobs.wait_for_child(tx, job_id=p["id"], attempt=p["attempt"])
        )
        await seed.job(parent_job_id=parent["id"], root_job_id=parent["id"], depth=1, **child)
    children = await seed.claim(most=10)
    # Both children run, and the root that waits in the queue does not: there is one `a` already.
    assert sorted(row["skill_name"] for row in children) == ["a", "b"]
    assert {row["depth"] for row in children} == {1}


async def test_a_tree_five_deep_needs_one_place_of_its_workspace_key_and_skills(
    seed: Seed, db: Database
) -> None:
    await seed.workspace(concurrency=1)
    only = await key(seed, concurrency=1)
    limited = {"key_id": only, "skill_concurrency": 1}
    root = await seed.job(skill_name="s0", **limited)
    (line,) = [await seed.claim(most=10)]
    for depth in range(1, 6):
        await seed.job(skill_name="s0", **limited)  # roots that come meanwhile stay behind
        parent = line[-1]
        await db.write(
            lambda tx, p=parent: jobs.wait_for_child(tx, job_id=p["id"], attempt=p["attempt"])
        )
        names = {"skill_name": f"s{depth}", "depth": depth}
        child = await seed.job(parent_job_id=parent["id"], root_job_id=root, **names, **limited)
        claimed = await seed.claim(most=10)
        assert [row["id"] for row in claimed] == [child]
        line += claimed
    for row in reversed(line):
        assert await seed.claim(most=10) == []
        assert await seed.end(row, DONE)
    (after,) = await seed.claim(most=10)
    assert after["depth"] == 0


async def test_children_come_before_the_roots_of_every_key_in_their_workspace(seed: Seed) -> None:
    await seed.workspace()
    first, second = await key(seed), await key(seed)
    parent = await seed.job(key_id=second)
    await seed.claim()
    await seed.job(key_id=first)
    child = await seed.job(key_id=second, parent_job_id=parent, root_job_id=parent, depth=1)
    (row,) = await seed.claim()
    assert row["id"] == child


async def test_ten_thousand_jobs_of_one_key_hold_up_neither_another_key_nor_another_workspace(
    seed: Seed,
) -> None:
    await seed.workspace("acme")
    await seed.workspace("other")
    loud, quiet = await key(seed), await key(seed)
    await flood(seed, key_id=loud)
    beside = await seed.job(key_id=quiet)
    elsewhere = await seed.job("other")
    started = time.perf_counter()
    rows = await seed.claim(most=3)
    assert {beside, elsewhere} < {row["id"] for row in rows}
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize("limited", [False, True])
async def test_a_claim_looks_things_up_however_many_jobs_wait(
    seed: Seed, db: Database, dialect: str, limited: bool
) -> None:
    await seed.workspace()
    await flood(seed, key_id=await key(seed), skill_concurrency=3 if limited else None)
    explain = "EXPLAIN QUERY PLAN" if dialect == "sqlite" else "EXPLAIN"
    rows = await db.read(lambda tx: tx.all(Query("plan", f"{explain} SELECT * FROM lanes")))
    plan = [str(row["detail" if dialect == "sqlite" else "QUERY PLAN"]) for row in rows]
    for table in ("jobs", "first", "next", "other", "run"):
        assert not [line for line in plan if f"Seq Scan on {table}" in line], plan
        read = [line for line in plan if f"SCAN {table}" in line and "INDEX" not in line]
        assert not read, plan
    step = "workspace_id=? AND lane>?" if dialect == "sqlite" else "Index Cond: (ROW(workspace_id"
    assert [line for line in plan if step in line], plan
    assert not [line for line in plan if "B-TREE" in line or "Sort" in line], plan


async def test_many_workers_together_never_start_more_of_a_skill_than_it_may_run(
    seed: Seed,
) -> None:
    for name in ("acme", "other"):
        await seed.workspace(name, concurrency=20)
    few = {"skill_name": "gpu", "skillpack_id": "acme-pack", "skill_concurrency": 3}
    for _ in range(8):
        await seed.job("acme", **few)
        await seed.job("other", **few)
    running: dict[str, Any] = {}
    started = 0
    while started < 16:
        claims = await asyncio.gather(*(seed.claim(most=4, worker=f"w{n}") for n in range(8)))
        rows = [row for claimed in claims for row in claimed]
        started += len(rows)
        running |= {row["id"]: row for row in rows}
        assert 0 < len(running) <= 3
        await seed.end(running.pop(next(iter(running))), DONE)


def lane(name: str, **changes: Any) -> Lane:
    workspace, _, key_id = name.partition("/")
    lane: dict[str, Any] = {
        "job_id": new_id(),
        "workspace_id": workspace,
        "lane": key_id,
        "depth": 0,
        "key_id": key_id,
        "skill": ("pack", "echo"),
        "workspace_running": 0,
        "workspace_places": 10,
        "key_running": 0,
        "key_places": None,
        "skill_running": 0,
        "skill_places": None,
    }
    return Lane(**{**lane, **changes})


def test_a_lane_alone_gets_all_that_is_free_and_of_several_each_gets_one() -> None:
    (turn,) = next_turns([lane("a/k", key_places=5, key_running=1)], most=10)
    assert turn.count == 4
    lanes = [lane("a/k"), lane("a/l"), lane("b/m", workspace_running=1)]
    turns = next_turns(lanes, most=10)
    assert [(turn.lane.key_id, turn.count) for turn in turns] == [("k", 1), ("l", 1), ("m", 1)]
    assert [turn.lane.key_id for turn in next_turns(lanes, most=1)] == ["k"]


def test_the_places_that_a_turn_takes_are_taken_from_the_next_one_too() -> None:
    full = {"workspace_places": 3, "workspace_running": 2}
    assert len(next_turns([lane("a/k", **full), lane("a/l", **full)], most=10)) == 1


@pytest.mark.slow
async def test_a_workspace_is_served_within_a_second_while_ten_thousand_jobs_of_another_wait(
    tmp_path: Path,
) -> None:
    async with open_bench(tmp_path / "data", concurrency=4) as bench:
        await bench.deploy(ECHO, public=True)
        other = await bench.stranger()
        await bench.run("local/pack/echo", headers=other.headers)  # its process is warm
        first = await bench.begin("echo")
        await bench.platform.db.write(lambda tx: tx.run(FLOOD, id=first, count=MANY))
        await bench.platform.db.write(lambda tx: tx.run(FIRST_EVENTS))
        bench.platform.queue.wake()
        waits = []
        for _ in range(5):
            answer = await bench.submit("local/pack/echo", headers=other.headers, wait="true")
            job = answer.json()
            assert job["status"] == "succeeded", job
            waits.append(parse_iso(job["started_at"]) - parse_iso(job["created_at"]))
        (left,) = await bench.rows("SELECT COUNT(*) AS n FROM jobs WHERE status = 'queued'")
        assert left["n"] > 1_000, "the flood still waits"
        assert sorted(waits)[2] < 1_000_000
        await bench.alter(
            "UPDATE jobs SET status = 'cancelled', error_code = 'cancelled', finished_at = 1"
            " WHERE status = 'queued'"
        )
