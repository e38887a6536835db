"""Procrastinate on PostgreSQL as a contestant: its worker, woken by NOTIFY, and a caller. Runs in
an environment of its own.

It keeps no results, and tells nobody that a job is over: the caller asks for the job's status until
then, each two milliseconds.

    PEER_DATABASE=postgresql://... python peer_procrastinate.py serve|call
"""

from __future__ import annotations

import os
import sys
import time

from contestant import Call, compete
from procrastinate import App, PsycopgConnector
from procrastinate.jobs import Status

_PAUSE_SECONDS = 0.002
_OVER = {Status.SUCCEEDED, Status.FAILED, Status.CANCELLED, Status.ABORTED}
_DATABASE = os.environ["PEER_DATABASE"]

app = App(connector=PsycopgConnector(conninfo=_DATABASE, min_size=8, max_size=8))


@app.task(name="nothing")
async def nothing() -> None:
    return None


def serve() -> None:
    with app.open():
        app.schema_manager.apply_schema()
    print("ready", flush=True)
    app.run_worker(concurrency=8)


def connect() -> Call:
    app.open()

    def call() -> None:
        job = nothing.defer()
        while (status := app.job_manager.get_job_status(job_id=job)) not in _OVER:
            time.sleep(_PAUSE_SECONDS)
        assert status == Status.SUCCEEDED, status

    return call


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve()
    else:
        compete(connect)
