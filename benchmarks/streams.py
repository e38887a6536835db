"""How late events arrive, with 1, 100 and 500 open streams, and how fast a backlog is replayed.

    python benchmarks/streams.py [streams ...]

A function logs the time ten times a second; every stream notes how much later it reads it. Writer,
server and all readers are on one machine, so the readers' own work is in the figure too.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import httpx2
from figures import Figure, percentiles, show
from served import DATABASES, Served

READERS = (1, 100, 500)
LIVE = {"events": 60, "pause": 0.1}
BACKLOG = {"events": 10_000, "pause": 0}


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
        found = [*(delay(served, each) for each in readers), *replay(served)]
    return [replace(figure, what=f"{database}: {figure.what}") for figure in found]


def delay(served: Served, readers: int) -> Figure:
    job = submit(served, LIVE)
    delays = asyncio.run(read_together(served, job, readers))
    p50, _, p99 = percentiles(delays)
    return Figure(
        f"delay of an event, open streams: {readers}: p50 / p99",
        f"{p50:.1f} / {p99:.1f} ms",
    )


async def read_together(served: Served, job: str, readers: int) -> list[float]:
    async def read() -> list[float]:
        return [
            (time.time() - float(event["payload"]["message"])) * 1000
            async for event in events(served, job)
            if event["type"] == "log"
        ]

    everyone = await asyncio.gather(*[read() for _ in range(readers)])
    skipped = LIVE["events"] // 4  # while the last of the readers still connect
    return [each for one in everyone for each in one[int(skipped) :]]


def replay(served: Served) -> list[Figure]:
    job = submit(served, BACKLOG, wait=True)
    return [_replayed(served, job, readers) for readers in (1, 20)]


def _replayed(served: Served, job: str, readers: int) -> Figure:
    async def count() -> int:
        return sum([1 async for _ in events(served, job)])

    async def together() -> int:
        return sum(await asyncio.gather(*[count() for _ in range(readers)]))

    started = time.perf_counter()
    total = asyncio.run(together())
    seconds = time.perf_counter() - started
    return Figure(
        f"a backlog of {total // readers:,} events, {readers} at once",
        f"{total / seconds:,.0f} events a second",
    )


async def events(served: Served, job: str) -> AsyncIterator[dict[str, Any]]:
    """Read a stream with the least that a reader can do."""
    url = urlsplit(served.url)
    reader, writer = await asyncio.open_connection(url.hostname, url.port, limit=1 << 20)
    writer.write(
        f"GET /v1/jobs/{job}/stream HTTP/1.1\r\nHost: {url.netloc}\r\n"
        f"Authorization: Bearer {served.key}\r\n\r\n".encode()
    )
    try:
        async for line in reader:
            if line.startswith(b"data: {"):
                event = json.loads(line[6:])
                if "id" not in event:
                    return
                yield event
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
