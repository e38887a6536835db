"""How late events arrive, how many a second, how fast a backlog is replayed, and what 5,000 streams
cost that have nothing to say.

    python benchmarks/streams.py [streams ...] [--without=PostgreSQL]
        [--only=delay,one,each,backlog,idle]

A function logs the time; every tenth stream notes how much later it reads it. Writer, server and
all readers are on one machine, so their work is in the figure too, though the readers do next to
nothing (`readers.py`). "By the server's own time" counts the seconds of the processor that the
server took, its worker's part included.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2
from figures import Figure, percentiles, show
from idle import family, proportional_megabytes
from readers import Reader, Readers
from served import DATABASES, Served

from puras.server.listener import raise_open_files

READERS = (1, 100, 500)
LIVE = {"events": 100, "pause": 0.1}
STREAMS = 100
ONE = {"events": 10_000, "pause": 0.001}
EACH = {"events": 100, "pause": 0.1}
EACH_BEGINS_IN = 20
"""Seconds in which a hundred runs can begin."""
BACKLOG = {"events": 10_000, "pause": 0}
IDLE = 5_000
QUIET = {"events": 2, "pause": 3600}


@dataclass
class Spent:
    """Seconds, and those of the processor that the server took."""

    seconds: float = 0
    busy: float = 0


def measure(*readers: int) -> list[Figure]:
    raise_open_files()
    names = [name for name in DATABASES if f"--without={name}" not in sys.argv]
    return [figure for name in names for figure in on(name, DATABASES[name], readers or READERS)]


def on(
    database: str, serve: Callable[..., AbstractContextManager[Served]], readers: Sequence[int]
) -> list[Figure]:
    measures: dict[str, Callable[[Served], list[Figure]]] = {
        "delay": lambda served: [delay(served, each) for each in readers],
        "one": of_one_job,
        "each": of_a_job_each,
        "backlog": replay,
        "idle": idle,
    }
    with serve(PURAS_CONCURRENCY=str(STREAMS + 10)) as served:
        found = [figure for name in wanted(measures) for figure in measures[name](served)]
    return [replace(figure, what=f"{database}: {figure.what}") for figure in found]


def wanted(names: Sequence[str] | dict[str, Any]) -> list[str]:
    only = [each.removeprefix("--only=") for each in sys.argv if each.startswith("--only=")]
    return [name for name in names if not only or name in only[0].split(",")]


def delay(served: Served, streams: int) -> Figure:
    with Readers(served) as readers:
        readers.open([submit(served, LIVE)] * streams)
        readers.until(ended)
        p50, p99 = delays(readers)
    return Figure(
        f"delay of an event, open streams: {streams}: p50 / p99", f"{p50:.1f} / {p99:.1f} ms"
    )


def of_one_job(served: Served) -> list[Figure]:
    """Let a job log a thousand events a second, each of them for a hundred readers."""
    with Readers(served) as readers:
        readers.open([submit(served, ONE)] * STREAMS)
        with spending(served) as spent:
            before = sum(reader.events for reader in readers.all)
            readers.until(ended)
        what = f"one job logs 1,000 events a second, {STREAMS} streams read each"
        return live(what, readers, ONE, spent=spent, before=before)


def of_a_job_each(served: Served) -> list[Figure]:
    """Let a hundred jobs log ten events a second, each for a reader of its own: in turn, so that
    there is one each millisecond."""
    begin = time.time() + EACH_BEGINS_IN
    step = EACH["pause"] / STREAMS
    jobs = [submit(served, {**EACH, "begin": begin + n * step}) for n in range(STREAMS)]
    with Readers(served) as readers:
        readers.open(jobs)
        time.sleep(max(0, begin - time.time()))
        with spending(served) as spent:
            before = sum(reader.events for reader in readers.all)
            readers.until(ended)
        what = f"{STREAMS} jobs log 10 events a second, a stream reads each"
        return live(what, readers, EACH, spent=spent, before=before)


def live(
    what: str, readers: Readers, inputs: dict[str, Any], *, spent: Spent, before: int
) -> list[Figure]:
    complete = sum(reader.events == inputs["events"] + 3 for reader in readers.all)
    for reader in sampled(readers):
        assert reader.numbers == list(range(1, inputs["events"] + 4)), "torn, or out of order"
    read = sum(reader.events for reader in readers.all) - before
    p50, p99 = delays(readers)
    lasted = max(reader.logged[-1] - reader.logged[0] for reader in sampled(readers))
    should = (inputs["events"] - 1) * inputs["pause"]
    return [
        Figure(f"{what}: delay, p50 / p99", f"{p50:.1f} / {p99:.1f} ms"),
        Figure(f"{what}: events read", f"{read / spent.seconds:,.0f} a second"),
        Figure(f"{what}: by the server's own time", f"{read / spent.busy:,.0f} a second"),
        Figure(f"{what}: the server's share of a core", f"{spent.busy / spent.seconds:.0%}"),
        Figure(f"{what}: streams that saw all, in order", f"{complete} of {len(readers.all)}"),
        Figure(f"{what}: the writer took", f"{lasted / should:.2f} × the time it should"),
    ]


def replay(served: Served) -> list[Figure]:
    job = submit(served, BACKLOG, wait=True)
    return [figure for streams in (1, 20) for figure in _replayed(served, job, streams)]


def _replayed(served: Served, job: str, streams: int) -> list[Figure]:
    with Readers(served) as readers, spending(served) as spent:
        readers.open([job] * streams)
        readers.until(ended)
    total = sum(reader.events for reader in readers.all)
    what = f"a backlog of {total // streams:,} events, {streams} at once"
    return [
        Figure(what, f"{total / spent.seconds:,.0f} events a second"),
        Figure(f"{what}: by the server's own time", f"{total / spent.busy:,.0f} events a second"),
    ]


def idle(served: Served) -> list[Figure]:
    job = submit(served, QUIET)
    with Readers(served) as readers:
        readers.open([job])
        before = mebibytes(served)
        readers.open([job] * (IDLE - 1))
        readers.until(lambda reader: reader.pinged)
        after = mebibytes(served)
    share = (after - before) * 1024 / IDLE
    return [
        Figure(
            f"memory of the server with {IDLE:,} idle streams, all its processes",
            f"{after:.0f} MiB, of which {share:.0f} KiB a stream",
        )
    ]


def mebibytes(served: Served) -> float:
    """Return what all processes of the server have for themselves."""
    return sum(map(proportional_megabytes, family(served.process.pid)))


@contextmanager
def spending(served: Served) -> Iterator[Spent]:
    spent, busy, begun = Spent(), processor_seconds(served), time.perf_counter()
    yield spent
    spent.seconds = time.perf_counter() - begun
    spent.busy = processor_seconds(served) - busy


def processor_seconds(served: Served) -> float:
    """Return how many seconds of the processor the server has taken, without its children."""
    fields = Path(f"/proc/{served.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def delays(readers: Readers) -> tuple[float, float]:
    """Return p50 and p99 in milliseconds, of what was logged once all streams were open."""
    late = [
        delay
        for reader in sampled(readers)
        for delay, logged in zip(reader.delays, reader.logged, strict=True)
        if logged > readers.opened_at
    ]
    p50, _, p99 = percentiles(late)
    return p50, p99


def sampled(readers: Readers) -> list[Reader]:
    return [reader for reader in readers.all if reader.sampled]


def ended(reader: Reader) -> bool:
    return reader.ended


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
