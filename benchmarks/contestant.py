"""One side of a comparison, in a process of its own that is told when to run.

It reads one request a line: `{"count": 100, "seconds": 6}` gives the milliseconds of so many calls
one after the other, or of those that began in time, `{"clients": 8, "seconds": 4}` how many calls a
second so many threads finish together.
Standard library only: it also runs in the environments of the peers.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from typing import Any

Call = Callable[[], Any]


def compete(
    connect: Callable[[], Call], *, turn: Callable[[], AbstractContextManager[None]] = nullcontext
) -> None:
    """Answer requests until there are no more.

    `connect` makes the call of one client, and `turn` is around all that is done for one answer.
    """
    call = connect()
    call()
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        with turn():
            answer = _answer(asked, call, connect)
        print(json.dumps(answer), flush=True)


def _answer(asked: dict[str, Any], call: Call, connect: Callable[[], Call]) -> Any:
    if "count" in asked:
        return _latencies(call, count=asked["count"], seconds=asked["seconds"])
    return _rate(connect, clients=asked["clients"], seconds=asked["seconds"])


def _latencies(call: Call, *, count: int, seconds: float) -> list[float]:
    taken: list[float] = []
    end = time.perf_counter() + seconds
    while len(taken) < count and time.perf_counter() < end:
        taken.append(_milliseconds(call))
    return taken


def _milliseconds(call: Call) -> float:
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1000


def _rate(connect: Callable[[], Call], *, clients: int, seconds: float) -> float:
    """Count the calls that end within the time, each client with a connection of its own."""
    begun = threading.Barrier(clients, timeout=60)

    def work() -> int:
        call, count = connect(), 0
        call()
        begun.wait()
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            call()
            count += 1
        return count

    with ThreadPoolExecutor(clients) as pool:
        working = [pool.submit(work) for _ in range(clients)]
        return sum(each.result() for each in working) / seconds
