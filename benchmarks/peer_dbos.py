"""DBOS on PostgreSQL as a contestant: a durable workflow of one step. Runs in an environment of its
own.

    PEER_DATABASE=postgresql://... python peer_dbos.py serve|enqueue|start

`serve` works its queue and `enqueue` is a client that waits for the result. Both ask the database
and are not woken: once a second where nothing is said, here each ten milliseconds. Only while it is
their turn, or the worker would take its share of the turns of others.
`start` runs the workflow in the caller's process, which is as durable, but passes no queue.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from contestant import Call, compete
from dbos import DBOS, DBOSClient

_PAUSE_SECONDS = 0.01
_REST_SECONDS = 0.1
_WAKING_SECONDS = 1.5  # a worker that is to ask more often becomes a tenth quicker with each look
_DATABASE = os.environ["PEER_DATABASE"]


@DBOS.step()
def step() -> dict[str, str]:
    return {}


@DBOS.workflow()
def nothing() -> dict[str, str]:
    return step()


def launch() -> None:
    DBOS(config={"name": "peer", "system_database_url": _DATABASE, "log_level": "ERROR"})
    DBOS.launch()


def serve() -> None:
    launch()
    DBOS.register_queue("calls", worker_concurrency=8, polling_interval_sec=_REST_SECONDS)
    print("ready", flush=True)
    threading.Event().wait()


def caller() -> DBOSClient:
    """Make what the eight clients share, so that none of them waits for a connection."""
    return DBOSClient(
        system_database_url=_DATABASE,
        system_database_pool_size=9,
        system_database_polling_concurrency=8,
    )


def enqueueing(client: DBOSClient) -> Call:
    def call() -> None:
        handle = client.enqueue({"workflow_name": "nothing", "queue_name": "calls"})
        assert handle.get_result(polling_interval_sec=_PAUSE_SECONDS) == {}

    return call


@contextmanager
def hurried(client: DBOSClient) -> Iterator[None]:
    """Let the worker ask often inside of the block, from its beginning."""
    queue = client.retrieve_queue("calls")
    assert queue is not None
    queue.set_polling_interval_sec(_PAUSE_SECONDS)
    time.sleep(_WAKING_SECONDS)
    try:
        yield
    finally:
        queue.set_polling_interval_sec(_REST_SECONDS)


def starting() -> None:
    assert DBOS.start_workflow(nothing).get_result() == {}


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve()
    elif sys.argv[1] == "enqueue":
        client = caller()
        compete(lambda: enqueueing(client), turn=lambda: hurried(client))
    else:
        launch()
        compete(lambda: starting)
