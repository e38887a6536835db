"""Every SDK sees every event once and in order, through nginx and haproxy, on lines that break.

A run is one iteration over a job's events; its seed says what befalls each of its connections
(`plans.py`). A failing run is told by its address, `<way>/<seed>`: to replay it, follow that alone.

    PURAS_TEST_RUNS=10000 pytest tests/streams/test_broken_lines.py     the long form
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from puras import AsyncPuras, Puras
from puras.client._core import Policy

from .conftest import ROOT, WAYS, Told
from .plans import CALM_AFTER

RUNS = int(os.environ.get("PURAS_TEST_RUNS", "100"))
SEED = os.environ.get("PURAS_TEST_SEED", "streams")
_SDK = ROOT / "sdk/typescript/dist/index.js"
_NODE = shutil.which("node")
_AT_ONCE = 50
_LIMITS = httpx2.Limits(max_connections=None)
_EAGER = Policy(first_backoff=0.02, drops_before_polling=CALM_AFTER)
_HAPPENED = {
    f"{fault} {place}"
    for fault in ("end", "reset", "hold", "dribble")
    for place in ("front", "back")
}
pytestmark = [pytest.mark.slow, pytest.mark.timeout(120 + RUNS)]
Follow = Callable[[Told, list[str]], dict[str, str]]


def async_client(told: Told, bases: list[str]) -> dict[str, str]:
    async def follow(base: str, http: httpx2.AsyncClient, places: asyncio.Semaphore) -> str | None:
        seen: list[Any] = []
        async with places, AsyncPuras(told.key, api_base=base, http_client=http) as puras:
            puras._policy = _EAGER
            try:
                async for event in puras.events(told.job_id):
                    seen.append(event)  # noqa: PERF401 - what came before an error counts
            except Exception as error:
                return f"{error!r}, after {len(seen)} events"
        return _fault(told, seen)

    async def everyone() -> list[str | None]:
        places = asyncio.Semaphore(_AT_ONCE)
        async with httpx2.AsyncClient(timeout=60, limits=_LIMITS) as http:
            return await asyncio.gather(*[follow(base, http, places) for base in bases])

    return _wrong(bases, asyncio.run(everyone()))


def sync_client(told: Told, bases: list[str]) -> dict[str, str]:
    def follow(base: str) -> str | None:
        seen: list[Any] = []
        with Puras(told.key, api_base=base, http_client=http) as puras:
            puras._policy = _EAGER
            try:
                seen.extend(puras.events(told.job_id))
            except Exception as error:
                return f"{error!r}, after {len(seen)} events"
        return _fault(told, seen)

    with httpx2.Client(timeout=60, limits=_LIMITS) as http, ThreadPoolExecutor(_AT_ONCE) as threads:
        return _wrong(bases, list(threads.map(follow, bases)))


def javascript_client(told: Told, bases: list[str]) -> dict[str, str]:
    if _NODE is None or not _SDK.exists():
        pytest.skip("there is no node on this machine, or the JavaScript SDK is not built")
    ran = subprocess.run(
        [_NODE, str(ROOT / "tests/streams/follow.mjs")],
        input=json.dumps(
            {
                "sdk": str(_SDK),
                "key": told.key,
                "job": told.job_id,
                "log": told.log,
                "bases": bases,
                "atOnce": _AT_ONCE,
            }
        ),
        capture_output=True,
        text=True,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    wrong: dict[str, str] = json.loads(ran.stdout)
    return wrong


def _fault(told: Told, seen: list[Any]) -> str | None:
    return None if seen == told.log else f"saw {[event.id for event in seen]}"


def _wrong(bases: list[str], faults: list[str | None]) -> dict[str, str]:
    return {base: fault for base, fault in zip(bases, faults, strict=True) if fault}


@pytest.mark.parametrize("follow", [async_client, sync_client, javascript_client])
def test_a_client_sees_exactly_the_log_on_every_line_that_breaks(
    told: Told, follow: Follow
) -> None:
    name = follow.__name__.replace("_", "-")
    runs = [f"{WAYS[n % len(WAYS)]}/{SEED}-{name}-{n}" for n in range(RUNS)]
    before = told.counts()
    assert follow(told, [told.base(run) for run in runs]) == {}
    after = told.counts()
    happened = {what: count - before.get(what, 0) for what, count in after.items()}
    print(name, f"{RUNS} runs", happened)
    assert happened["streams"] > 2 * RUNS
    assert happened.get("pages", 0) < RUNS / 4, "polling is no way out, unless lines stay broken"
    assert all(happened.get(what) for what in _HAPPENED), happened
    assert happened["answer"]
