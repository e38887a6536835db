"""A scripted server, and clients of it that lose no time between their tries."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from puras.client._async import AsyncPuras
from puras.client._core import Policy
from puras.client._sync import Puras

from .scripted_server import ScriptedServer

QUICK = Policy(
    first_backoff=0.001, longest_backoff=0.002, stream_silence=0.2, submit_poll_interval=0.01
)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    server = ScriptedServer()
    yield server
    server.close()


@pytest.fixture
async def async_puras(server: ScriptedServer) -> AsyncIterator[AsyncPuras]:
    async with AsyncPuras("puras_live_k.s", "ads", api_base=server.url, timeout=5) as client:
        client._policy = QUICK
        yield client


@pytest.fixture
def sync_puras(server: ScriptedServer) -> Iterator[Puras]:
    with Puras("puras_live_k.s", "ads", api_base=server.url, timeout=5) as client:
        client._policy = QUICK
        yield client
