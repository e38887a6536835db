"""Skills with evals, and the calls on their suites."""

from __future__ import annotations

import asyncio
import json
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2

from ..jobs.bench import Bench, Skill


@dataclass(frozen=True)
class Evaluated(Skill):
    """A skill whose folder has further files, such as checks and datasets."""

    beside: Mapping[str, str] = field(default_factory=dict)

    def files(self) -> dict[str, str]:
        more = {f"{self.name}/{name}": textwrap.dedent(text) for name, text in self.beside.items()}
        return {**super().files(), **more}


DOUBLE = """
def run(n):
    if n < 0:
        raise ValueError("too small")
    return {"n": 2 * n}
"""
N = {"n": {"type": "integer"}}


def double(evals: Any, *, code: str = DOUBLE, **beside: str) -> Evaluated:
    files = {name.replace("__", "/") + ".py": text for name, text in beside.items()}
    return Evaluated("double", code, N, {"evals": evals}, files)


def cases(*numbers: int) -> list[dict[str, Any]]:
    return [{"id": f"n{n}", "inputs": {"n": n}, "expected": {"n": 2 * n}} for n in numbers]


EXACT = {"kind": "exact_match"}


async def ask(
    bench: Bench,
    skill: str = "double",
    *,
    headers: Mapping[str, str] | None = None,
    pack: str = "pack",
    **body: Any,
) -> httpx2.Response:
    return await bench.client.post(
        f"/v1/skillpacks/{pack}/evals", json={"skill": skill, **body}, headers=headers
    )


async def begin(bench: Bench, skill: str = "double", **body: Any) -> dict[str, Any]:
    answer = await ask(bench, skill, **body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def read(bench: Bench, suite_id: str) -> dict[str, Any]:
    answer = await bench.client.get(f"/v1/evals/{suite_id}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def until_over(bench: Bench, suite_id: str) -> dict[str, Any]:
    """Return a suite once all of its runs are over."""
    async with asyncio.timeout(60):
        while True:
            found = await read(bench, suite_id)
            if found["status"] in ("completed", "cancelled"):
                return found
            waiting = [
                run["job_id"]
                for case in found["cases"]
                for run in case["runs"]
                if run["status"] in ("queued", "running")
            ]
            await bench.get(waiting[0], wait="5")


async def evaluate(bench: Bench, skill: str = "double", **body: Any) -> dict[str, Any]:
    return await until_over(bench, (await begin(bench, skill, **body))["id"])


def dumped(value: Any) -> str:
    return json.dumps(value)
