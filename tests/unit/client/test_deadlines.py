"""A deadline wakes a read that waits on a silent stream, on every loop the client may run on."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest

from puras.client import _transport

from .scripted_server import ScriptedServer, log, sse

PATIENCE = 60.0


@pytest.fixture(
    scope="module",
    params=[pytest.param(False, id="asyncio"), pytest.param(True, id="uvloop")],
)
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    return "asyncio", {"use_uvloop": request.param}


def test_a_blocked_read_ends_at_the_deadline(server: ScriptedServer) -> None:
    server.will_answer(sse(log(1), end="stall"))
    with (
        httpx2.Client(timeout=PATIENCE) as http,
        http.stream("GET", server.url) as response,
        _transport.cut_after(response, 0.05),
        pytest.raises(_transport.errors()),
    ):
        list(response.iter_bytes())
    server.wait_until_open(0)


async def test_an_awaited_read_ends_at_the_deadline(server: ScriptedServer) -> None:
    server.will_answer(sse(log(1), end="stall"))
    async with (
        httpx2.AsyncClient(timeout=PATIENCE) as http,
        http.stream("GET", server.url) as response,
    ):
        with _transport.cut_after(response, 0.05), pytest.raises(_transport.errors()):
            await response.aread()
    await asyncio.to_thread(server.wait_until_open, 0)


def test_a_response_that_is_read_in_time_leaves_its_connection_alone(
    server: ScriptedServer,
) -> None:
    server.will_answer(sse(log(1)), sse(log(2)))
    with httpx2.Client(timeout=PATIENCE) as http:
        for _ in range(2):
            with (
                http.stream("GET", server.url) as response,
                _transport.cut_after(response, PATIENCE),
            ):
                assert b"hello" in response.read()
        server.wait_until_open(1)


def test_where_the_socket_is_out_of_reach_nothing_is_cut() -> None:
    response = httpx2.Response(200, content=b"in memory")
    with _transport.cut_after(response, 0.0):
        assert response.read() == b"in memory"
