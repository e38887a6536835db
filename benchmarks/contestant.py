"""One side of a comparison, in a process of its own that is told when to run.

It reads one request a line: `{"count": 100}` gives the milliseconds of so many calls one after the
other, `{"clients": 8, "seconds": 4}` how many calls a second so many threads finish together.
Standard library only: it also runs in the environments of the peers.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

Call = Callable[[], Any]


def compete(connect: Callable[[], Call]) -> None:
    """Answer requests until there are no more. `connect` makes the call of one client."""
    call = connect()
    call()
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        if "count" in asked:
            answer: Any = [_milliseconds(call) for _ in range(asked["count"])]
        else:
            answer = _rate(connect, clients=asked["clients"], seconds=asked["seconds"])
        print(json.dumps(answer), flush=True)


def _milliseconds(call: Call) -> float:
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1000


def _rate(connect: Callable[[], Call], *, clients: int, seconds: float) -> float:
    """Count the calls that end within the time, each client with a connection of its own."""
    counts = [0] * clients
    begun = threading.Barrier(clients)

    def work(number: int) -> None:
        call = connect()
        call()
        begun.wait()
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            call()
            counts[number] += 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / seconds
