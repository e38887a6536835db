"""Thousands of streams that have nothing to say."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from puras import Puras

from ..system.conftest import Served, serving

STREAMS = 1_000
MOST_KIB = 60
"""So five thousand are under 300 MiB."""
_WAIT = "import time\ndef run():\n    time.sleep(600)\n"


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[Served]:
    """A server that was started where a process may have only a few files open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert hard > 2 * STREAMS, "this machine lets no process have so many files open"
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        with serving(tmp_path / "home") as served:
            resource.setrlimit(resource.RLIMIT_NOFILE, (2 * STREAMS, hard))
            yield served
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def submit(served: Served) -> str:
    folder = served.home / "waits" / "wait"
    folder.mkdir(parents=True)
    (folder / "main.py").write_text(_WAIT)
    (folder / "skill.yaml").write_text("description: It waits.\nentrypoint: main.py:run\n")
    assert served.puras("deploy", str(folder.parent), "--skillpack", "waits").returncode == 0
    with Puras(served.key, "waits", api_base=served.base) as puras:
        return str(puras.submit("wait").id)


def resident_kib(served: Served) -> int:
    status = Path(f"/proc/{served.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


async def pinged(served: Served, job_id: str) -> tuple[int, int]:
    """Open streams until each was pinged; return what the server grew by meanwhile, in KiB, and
    how many of the streams are open still."""
    url = urlsplit(served.base)
    request = (
        f"GET /v1/jobs/{job_id}/stream HTTP/1.1\r\nHost: {url.netloc}\r\n"
        f"Authorization: Bearer {served.key}\r\n\r\n"
    )
    gate = asyncio.Semaphore(50)

    async def opened() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        async with gate:
            reader, writer = await asyncio.open_connection(url.hostname, url.port)
            writer.write(request.encode())
            await reader.readuntil(b'"queued"')
            return reader, writer

    (await opened())[1].close()
    before = resident_kib(served)
    streams = await asyncio.gather(*[opened() for _ in range(STREAMS)])
    for reader, _ in streams:
        await reader.readuntil(b": ping\n\n")
    grown = resident_kib(served) - before
    still = sum(not reader.at_eof() for reader, _ in streams)
    for _, writer in streams:
        writer.close()
    return grown, still


@pytest.mark.slow
def test_a_thousand_idle_streams_are_pinged_and_cost_little_memory(limited: Served) -> None:
    grown, still = asyncio.run(pinged(limited, submit(limited)))
    print(f"{grown / STREAMS:.1f} KiB for each of {STREAMS} streams")
    assert still == STREAMS
    assert grown < STREAMS * MOST_KIB
