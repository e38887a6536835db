"""A hundred clients at once, with too little money for all: nothing is overspent, nothing is stuck.

Their runs pay for turns of a model on several workers that share one database, each of them a whole
server of its own with connections of its own (on SQLite there is one).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from puras.server import compose
from puras.server.agent.models.port import ModelAnswer, ModelRequest
from puras.server.billing import store as billing
from puras.server.keys.fences import Fences

from ..agent.scripted import ScriptedModels, agent, calls, output
from ..jobs.bench import Bench, open_bench
from ..support import Minted, TestDatabase, settings_for

WALLET, CAP, BUDGET = 20_000, 4_000, 3_000
CLIENTS = 100
LEAST = 100 + 256 // 20
"""What the smallest turn is held at."""


@dataclass
class PricedModels(ScriptedModels):
    """Costs seven tenths of what it may cost at the most, and adds up what it was owed."""

    owed: list[int] = field(default_factory=list)

    def bound(self, request: ModelRequest) -> int:
        return 100 + (request.max_output_tokens or 0) // 20

    async def answer(self, request: ModelRequest) -> ModelAnswer:
        said = await super().answer(request)
        self.owed.append(self.bound(request) * 7 // 10)
        return replace(said, cost_micros=self.owed[-1])


def look(request: ModelRequest) -> ModelAnswer:
    return calls(("memory_search", {"query": "tea"}), step=len(request.messages))


@asynccontextmanager
async def opened(home: Path, models: PricedModels) -> AsyncIterator[Bench]:
    """Open a server, and where the database can be shared, two workers beside it."""
    settings: dict[str, Any] = {"starting_credits_usd": WALLET / 1_000_000}
    async with AsyncExitStack() as stack:
        bench = await stack.enter_async_context(open_bench(home, models=models.open, **settings))
        for _ in range(2 if TestDatabase.url else 0):
            beside = compose.running(
                settings_for(home, **settings), grace=0.1, serves=False, models=models.open
            )
            await stack.enter_async_context(beside)
        yield bench


@pytest.mark.slow
async def test_a_hundred_clients_spend_what_there_is_and_not_a_micro_more(tmp_path: Path) -> None:
    models = PricedModels([look, look, output()])
    async with opened(tmp_path / "data", models) as bench:
        await bench.deploy(agent("ask"), agent("other"))
        capped = await bench.mint(fences=Fences(daily_cap_micros=CAP))
        await set_budget(bench, "other", BUDGET)
        kinds = [("ask", capped), ("ask", None), ("other", None)]
        jobs = await asyncio.gather(*(submit(bench, *kinds[n % 3]) for n in range(CLIENTS)))
        ended = [await finished(bench, job) for job in jobs if job is not None]
        assert {(job["status"], job["error_code"]) for job in ended} == {
            ("succeeded", None),
            ("failed", "cost_limit"),
        }
        await agrees(bench, models)
        for skill, key in kinds:
            await drain(bench, skill, key)
        await agrees(bench, models)
        assert CAP - LEAST < await spent_by(bench, capped) <= CAP
        assert BUDGET - LEAST < await spent_of_budget(bench) <= BUDGET


async def submit(bench: Bench, skill: str, key: Minted | None) -> str | None:
    """Submit a job; None where there is nothing left to begin with."""
    answer = await bench.submit(skill, headers=None if key is None else key.headers)
    if answer.status_code == 201:
        return str(answer.json()["id"])
    assert refusal(answer) in {"spend_cap_reached", "budget_exhausted", "insufficient_credits"}
    return None


async def finished(bench: Bench, job_id: str) -> dict[str, Any]:
    while True:
        job = await bench.get(job_id, wait=50)
        if job["finished_at"]:
            return job


async def drain(bench: Bench, skill: str, key: Minted | None) -> None:
    """Run one job after the other, until what is left does not pay for the first turn of one."""
    while (job_id := await submit(bench, skill, key)) is not None:
        job = await finished(bench, job_id)
        if job["cost_micros"] == 0 or (key is None and job["status"] == "failed"):
            return


async def agrees(bench: Bench, models: PricedModels) -> None:
    """What the model was owed is what was counted; what succeeded is what the wallet has paid."""
    assert await bench.rows("SELECT id FROM holds WHERE state <> 'closed'") == []
    assert await bench.platform.db.read(billing.audit) == []
    (counted,) = await bench.rows("SELECT SUM(cost_micros) AS micros FROM holds")
    assert counted["micros"] == sum(models.owed)
    (paid,) = await bench.rows(
        "SELECT SUM(cost_micros) AS micros FROM jobs WHERE status = 'succeeded'"
    )
    balance = (await bench.client.get("/v1/billing/balance")).json()["balance_micros"]
    assert balance == WALLET - paid["micros"] >= 0


async def spent_by(bench: Bench, key: Minted) -> int:
    return int((await bench.client.get(f"/v1/keys/{key.id}")).json()["spent_today_micros"])


async def set_budget(bench: Bench, skill: str, micros: int) -> None:
    terms = {"scope": "skillpack", "skillpack": "pack", "skill_name": skill, "window": "day"}
    body = {**terms, "limit_usd": micros / 1_000_000, "enforce": True}
    answer = await bench.client.post("/v1/budgets", json=body)
    assert answer.status_code == 201, answer.text


async def spent_of_budget(bench: Bench) -> int:
    (budget,) = (await bench.client.get("/v1/budgets")).json()
    return int(budget["spent_micros"])


def refusal(answer: httpx2.Response) -> str:
    return str(answer.json()["code"])
