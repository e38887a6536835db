"""How late events arrive, with 1, 100 and 500 open streams, how fast a backlog is replayed, and
what 5,000 streams cost that have nothing to say.

    python benchmarks/streams.py [streams ...]

A function logs the time ten times a second, or a thousand times; every stream notes how much later
it reads it. Writer, server and all readers are on one machine, so the readers' own work is in the
figure too. "By the server's own time" counts the seconds of the processor that the server took.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
from figures import Figure, percentiles, show
from served import DATABASES, Served

from puras.server.listener import raise_open_files

READERS = (1, 100, 500)
LIVE = {"events": 60, "pause": 0.1}
FLOOD = {"events": 5_000, "pause": 0.001}
FLOODED = 100
BACKLOG = {"events": 10_000, "pause": 0}
IDLE = 5_000
QUIET = {"events": 1, "pause": 3600}


def measure(*readers: int) -> list[Figure]:
    return [
        figure
        for name, serve in DATABASES.items()
        for figure in on(name, serve, readers=readers or READERS)
    ]


def on(
    database: str, serve: Callable[[], AbstractContextManager[Served]], *, readers: Sequence[int]
) -> list[Figure]:
    with serve() as served:
        found = [*(delay(served, each) for each in readers), *flood(served), *replay(served)]
        found.append(idle(served))
    return [replace(figure, what=f"{database}: {figure.what}") for figure in found]


def delay(served: Served, readers: int) -> Figure:
    job = submit(served, LIVE)
    everyone = asyncio.run(read_together(served, job, readers))
    skipped = LIVE["events"] // 4  # while the last of the readers still connect
    delays = [each for one in everyone for each in one[int(skipped) :]]
    p50, _, p99 = percentiles(delays)
    return Figure(
        f"delay of an event, open streams: {readers}: p50 / p99",
        f"{p50:.1f} / {p99:.1f} ms",
    )


def flood(served: Served) -> list[Figure]:
    """Let a job log a thousand events a second, each of them for a hundred readers."""
    job = submit(served, FLOOD)
    before, begun = processor_seconds(served), time.perf_counter()
    everyone = asyncio.run(read_together(served, job, FLOODED))
    seconds = time.perf_counter() - begun
    busy = processor_seconds(served) - before
    skipped = int(FLOOD["events"]) // 4
    p50, _, p99 = percentiles([each for one in everyone for each in one[skipped:]])
    read = sum(map(len, everyone))
    what = f"1,000 events a second through {FLOODED} streams"
    return [
        Figure(f"{what}: delay, p50 / p99", f"{p50:.1f} / {p99:.1f} ms"),
        Figure(f"{what}: events read", f"{read / seconds:,.0f} a second"),
        Figure(f"{what}: by the server's own time", f"{read / busy:,.0f} a second"),
    ]


async def read_together(served: Served, job: str, readers: int) -> list[list[float]]:
    """Return how late each reader read each event, in milliseconds."""

    async def read() -> list[float]:
        return [
            (time.time() - float(event["payload"]["message"])) * 1000
            async for event in events(served, job)
            if event["type"] == "log"
        ]

    return await asyncio.gather(*[read() for _ in range(readers)])


def replay(served: Served) -> list[Figure]:
    job = submit(served, BACKLOG, wait=True)
    return [figure for readers in (1, 20) for figure in _replayed(served, job, readers)]


def _replayed(served: Served, job: str, readers: int) -> list[Figure]:
    async def count() -> int:
        return sum([1 async for _ in events(served, job)])

    async def together() -> int:
        return sum(await asyncio.gather(*[count() for _ in range(readers)]))

    before, started = processor_seconds(served), time.perf_counter()
    total = asyncio.run(together())
    seconds, busy = time.perf_counter() - started, processor_seconds(served) - before
    what = f"a backlog of {total // readers:,} events, {readers} at once"
    return [
        Figure(what, f"{total / seconds:,.0f} events a second"),
        Figure(f"{what}: by the server's own time", f"{total / busy:,.0f} events a second"),
    ]


def idle(served: Served) -> Figure:
    raise_open_files()
    job = submit(served, QUIET)
    before = resident_megabytes(served)
    after = asyncio.run(_held(served, job))
    return Figure(
        f"memory of the server with {IDLE:,} idle streams",
        f"{after:.0f} MB, of which {(after - before) * 1024 / IDLE:.0f} kB a stream",
    )


async def _held(served: Served, job: str) -> float:
    """Hold streams until each has had a ping; return the server's memory then."""
    gate = asyncio.Semaphore(50)

    async def opened() -> AsyncIterator[bytes]:
        async with gate:
            stream = lines(served, job)
            async for line in stream:
                if line.startswith(b"data"):
                    break
            return stream

    async def pinged(stream: AsyncIterator[bytes]) -> None:
        async for line in stream:
            if line.startswith(b": ping"):
                break

    streams = await asyncio.gather(*[opened() for _ in range(IDLE)])
    await asyncio.gather(*[pinged(stream) for stream in streams])
    return resident_megabytes(served)


def processor_seconds(served: Served) -> float:
    """Return how many seconds of the processor the server has taken, without its children."""
    fields = Path(f"/proc/{served.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_megabytes(served: Served) -> float:
    status = Path(f"/proc/{served.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


async def events(served: Served, job: str) -> AsyncIterator[dict[str, Any]]:
    """Read a stream with the least that a reader can do."""
    async for line in lines(served, job):
        if line.startswith(b"data: {"):
            event = json.loads(line[6:])
            if "id" not in event:
                return
            yield event


async def lines(served: Served, job: str) -> AsyncIterator[bytes]:
    url = urlsplit(served.url)
    reader, writer = await asyncio.open_connection(url.hostname, url.port, limit=1 << 20)
    writer.write(
        f"GET /v1/jobs/{job}/stream HTTP/1.1\r\nHost: {url.netloc}\r\n"
        f"Authorization: Bearer {served.key}\r\n\r\n".encode()
    )
    try:
        async for line in reader:
            yield line
    finally:
        writer.close()


def submit(served: Served, inputs: dict[str, Any], *, wait: bool = False) -> str:
    answer = httpx2.post(
        f"{served.url}/v1/jobs",
        params={"wait": "true"} if wait else {},
        json={"skill": "bench/ticker", "inputs": inputs},
        headers=served.headers,
        timeout=120,
    )
    return str(answer.json()["id"])


if __name__ == "__main__":
    numbers = [int(each) for each in sys.argv[1:] if each.isdigit()]
    show(measure(*numbers))
