"""RQ on Redis as a contestant: `rq worker-pool`, whose workers fork a process for each job, and a
caller that waits. Runs in an environment of its own.

    python peer_rq.py redis://127.0.0.1:6379/0
"""

from __future__ import annotations

import sys

from contestant import Call, compete
from redis import Redis
from rq import Queue
from rq.results import Result


def nothing() -> dict[str, str]:
    return {}


def connect_to(url: str) -> Call:
    queue = Queue(connection=Redis.from_url(url))

    def call() -> None:
        result = queue.enqueue("peer_rq.nothing").latest_result(timeout=60)
        assert result, "no result within a minute"
        assert result.type == Result.Type.SUCCESSFUL, result.exc_string

    return call


if __name__ == "__main__":
    compete(lambda: connect_to(sys.argv[1]))
