"""A run that was cut off goes on where it was: nothing that is recorded happens twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from puras.server.billing import store as billing

from ..jobs.bench import Bench, open_bench
from .scripted import ScriptedModels, agent, calls, output

PUT = ("memory_put", {"key": "k", "text": "t"})
GET = ("memory_get", {"key": "k"})


def script(holding: dict[int, asyncio.Event] | None = None) -> ScriptedModels:
    return ScriptedModels(
        [calls(PUT, step=1), calls(GET, GET, step=2), output("kept", step=3)],
        holding=holding or {},
    )


KEY = f"puras_live_{'k' * 8}.{'s' * 32}"


@asynccontextmanager
async def opened(home: Path, models: ScriptedModels) -> AsyncIterator[Bench]:
    """Serve a folder that may have been served before, always with the same key."""
    async with open_bench(home, models=models.open, bootstrap_key=KEY) as bench:
        bench.client.headers["Authorization"] = f"Bearer {KEY}"
        yield bench


async def interrupted(home: Path, turn: int) -> tuple[str, ScriptedModels]:
    """Run until the model is asked for a turn, then take the server away."""
    models = script({turn: asyncio.Event()})
    async with opened(home, models) as bench:
        await bench.deploy(agent("ask"))
        job_id = await bench.begin("ask")
        while len(models.requests) <= turn:
            models.asked.clear()
            await asyncio.wait_for(models.asked.wait(), 20)
    return job_id, models


@pytest.mark.parametrize("turn", [0, 1, 2])
async def test_a_run_goes_on_at_the_turn_where_it_was_cut_off(tmp_path: Path, turn: int) -> None:
    job_id, _ = await interrupted(tmp_path / "data", turn)
    models = script()
    async with opened(tmp_path / "data", models) as bench:
        job, events = await ended(bench, job_id)
        assert (job["status"], job["result"], job["attempt"]) == (
            "succeeded",
            {"answer": "kept"},
            2,
        )
        assert (job["cost_micros"], job["usage"]["input_tokens"], job["steps"]) == (1500, 300, 3)
        assert await bench.platform.db.read(billing.audit) == []
    assert len(models.requests) == 3 - turn
    types = [event["type"] for event in events]
    assert types.count("model_response") == 3
    assert types.count("tool_call") == types.count("tool_result") == 3
    [resumed] = [event["payload"] for event in events if event["type"] == "resumed"]
    assert resumed == {"attempt": 2, "from_step": turn + 1}


async def test_each_attempt_begins_with_the_same_words(tmp_path: Path) -> None:
    """What was remembered meanwhile would else change the beginning of the conversation."""
    job_id, before = await interrupted(tmp_path / "data", 1)
    after = script()
    async with opened(tmp_path / "data", after) as bench:
        await ended(bench, job_id)
    assert after.requests[0].system == before.requests[0].system
    assert after.requests[0].messages == before.requests[1].messages


async def ended(bench: Bench, job_id: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    job = await bench.get(job_id, wait=30)
    assert job["finished_at"], job
    events = await bench.events(job_id)
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))
    return job, events
