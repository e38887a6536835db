"""What only one of the two clients can meet: cancelled tasks, many threads."""

from __future__ import annotations

import asyncio
import gc
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from puras.client._async import AsyncPuras
from puras.client._sync import Puras

from .scripted_server import ScriptedServer, answer, job, log, sse


async def test_a_cancelled_task_frees_its_stream(
    async_puras: AsyncPuras, server: ScriptedServer
) -> None:
    server.will_answer(sse(log(1), end="stall"))
    started = asyncio.Event()

    async def watch() -> None:
        async for _ in async_puras.events("j1"):
            started.set()

    task = asyncio.create_task(watch())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    server.wait_until_open(0)


async def test_a_cancelled_wait_frees_its_request(
    async_puras: AsyncPuras, server: ScriptedServer
) -> None:
    asked = threading.Event()

    def play(seen: Any) -> Any:
        asked.set()
        return sse(end="stall")

    server.play = play
    task = asyncio.create_task(async_puras.wait("j1"))
    await asyncio.to_thread(asked.wait, 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    server.wait_until_open(0)


async def test_an_async_iterator_that_is_forgotten_frees_its_connection(
    async_puras: AsyncPuras, server: ScriptedServer
) -> None:
    server.will_answer(sse(log(1), log(2), end="stall"))
    async for event in async_puras.events("j1"):
        assert event.id == 1
        break
    for _ in range(5):
        await asyncio.sleep(0)
    server.wait_until_open(0)


def test_a_sync_iterator_that_is_forgotten_frees_its_connection(
    sync_puras: Puras, server: ScriptedServer
) -> None:
    server.will_answer(sse(log(1), log(2), end="stall"))
    next(sync_puras.events("j1"))
    gc.collect()
    server.wait_until_open(0)


def test_threads_that_start_together_share_one_pool_of_connections(
    sync_puras: Puras, server: ScriptedServer
) -> None:
    server.play = lambda seen: answer(job())
    together = threading.Barrier(8, timeout=5)

    def get(_: int) -> str:
        together.wait()
        return str(sync_puras.get("j1").status)

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(get, range(8))) == ["running"] * 8
    sync_puras.close()
    server.wait_until_open(0)
